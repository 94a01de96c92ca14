//! The orders on disk, in SQLite: each is written before what follows from its state is done.

use std::path::{Path, PathBuf};

use lsps1_fixtures::crash;
use rusqlite::{Connection, params};

use crate::data_dir::DataDirError;
use crate::order::Order;

/// The layout that is written, as SQLite's `user_version`.
const VERSION: i64 = 1;

/// An open file of orders, which nobody else can open at the same time.
pub(crate) struct Db {
    connection: Connection,
    path: PathBuf,
}

impl Db {
    /// Opens a file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Orders { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(failed)?;
        // A write is on disk when it returns.
        let set_up = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;";
        crash::around("the tables", || connection.execute_batch(set_up)).map_err(failed)?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed)?;
        if !(0..=VERSION).contains(&version) {
            return Err(DataDirError::Content(path.to_owned()));
        }
        crash::around("the layout", || connection.pragma_update(None, "user_version", VERSION))
            .map_err(failed)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// All orders with their numbers, in the order in which they came.
    pub(crate) fn orders(&self) -> Result<Vec<(u64, Order)>, DataDirError> {
        let read = || {
            let mut query =
                self.connection.prepare("SELECT number, content FROM orders ORDER BY number")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<Vec<(u64, String)>, _>>()
        };
        let rows = read().map_err(|source| self.failed(source))?;
        let parse = |(number, content): (u64, String)| {
            let order = serde_json::from_str(&content);
            order.map(|order| (number, order)).map_err(|error| {
                tracing::error!("order {number} can't be read: {error}");
                DataDirError::Content(self.path.clone())
            })
        };
        rows.into_iter().map(parse).collect()
    }

    /// Writes an order.
    pub(super) fn put(&self, number: u64, order: &Order) -> Result<(), DataDirError> {
        let content =
            serde_json::to_string(order).map_err(|_| DataDirError::Content(self.path.clone()))?;
        let write = "INSERT INTO orders (number, content) VALUES (?1, ?2)
            ON CONFLICT (number) DO UPDATE SET content = excluded.content";
        let write = || self.connection.prepare_cached(write)?.execute(params![number, content]);
        let written = crash::around(&format!("order {number}"), write);
        written.map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Forgets an order.
    pub(super) fn remove(&self, number: u64) -> Result<(), DataDirError> {
        let remove = || self.connection.execute("DELETE FROM orders WHERE number = ?1", [number]);
        let removed = crash::around(&format!("the end of order {number}"), remove);
        removed.map(|_| ()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> DataDirError {
        DataDirError::Orders { path: self.path.clone(), source }
    }
}
