//! The folder that lets a mock go on where it was after a restart: its seed, its ports, its orders and its node.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bitcoin::hex::{DisplayHex, FromHex};
use lsps1_fixtures::crash;
use rand::RngCore;
use serde::{Deserialize, Serialize};

/// A folder with what outlives the process.
pub(crate) struct DataDir {
    folder: PathBuf,
}

/// Where a mock was reachable. A restarted one is there again, where the configuration leaves the port open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) rest: Option<SocketAddr>,
    pub(crate) p2p: Option<SocketAddr>,
    pub(crate) control: Option<SocketAddr>,
}

/// Why the folder can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// A file can't be read or written.
    #[error("use {path}: {source}; check that --data-dir can be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file isn't what the mock has written.
    #[error("use {0}: it isn't what mock-lsp has written; choose another --data-dir")]
    Content(PathBuf),
    /// The folder is that of another node.
    #[error("use --seed: {0} holds the orders and channels of another seed; leave --seed out")]
    OtherSeed(PathBuf),
    /// The orders can't be read or written.
    #[error("use {path}: {source}")]
    Orders {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl DataDir {
    /// Takes a folder, which is made if there is none.
    pub(crate) fn open(folder: &Path) -> Result<Self, DataDirError> {
        let data = Self { folder: folder.to_owned() };
        fs::create_dir_all(folder).map_err(|source| data.failed("", source))?;
        Ok(data)
    }

    /// The seed of the folder: what it has, else `given`, else a new one.
    pub(crate) fn seed(&self, given: Option<[u8; 32]>) -> Result<[u8; 32], DataDirError> {
        let Some(text) = self.read("seed")? else {
            let seed = given.unwrap_or_else(new_seed);
            self.write("seed", &seed.to_lower_hex_string())?;
            return Ok(seed);
        };
        let seed = <[u8; 32]>::from_hex(text.trim())
            .map_err(|_| DataDirError::Content(self.folder.join("seed")))?;
        match given {
            Some(given) if given != seed => Err(DataDirError::OtherSeed(self.folder.clone())),
            _ => Ok(seed),
        }
    }

    /// Where the last mock on this folder was reachable.
    pub(crate) fn addresses(&self) -> Result<Addresses, DataDirError> {
        let Some(text) = self.read("addresses.json")? else { return Ok(Addresses::default()) };
        serde_json::from_str(&text)
            .map_err(|_| DataDirError::Content(self.folder.join("addresses.json")))
    }

    /// Keeps where this mock is reachable.
    pub(crate) fn keep_addresses(&self, addresses: &Addresses) -> Result<(), DataDirError> {
        let text = serde_json::to_string(addresses)
            .map_err(|_| DataDirError::Content(self.folder.join("addresses.json")))?;
        self.write("addresses.json", &text)
    }

    /// The file of the orders.
    pub(crate) fn orders(&self) -> PathBuf {
        self.folder.join("orders.sqlite")
    }

    /// The folder of the node.
    pub(crate) fn node(&self) -> PathBuf {
        self.folder.join("node")
    }

    fn read(&self, name: &str) -> Result<Option<String>, DataDirError> {
        match fs::read_to_string(self.folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Writes a file so that a process that dies leaves the old one or the new one.
    fn write(&self, name: &str, text: &str) -> Result<(), DataDirError> {
        let (path, new) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        let write = || fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
        let written = crash::around(name, write);
        written.map_err(|source| self.failed(name, source))
    }

    fn failed(&self, name: &str, source: std::io::Error) -> DataDirError {
        DataDirError::File { path: self.folder.join(name), source }
    }
}

/// A seed that nobody knows.
pub(crate) fn new_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    seed
}

/// The address to bind: the former one, where any port would do.
pub(crate) fn again(wanted: SocketAddr, former: Option<SocketAddr>) -> SocketAddr {
    match former {
        Some(former) if wanted.port() == 0 && former.ip() == wanted.ip() => former,
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_seed_and_its_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let seed = DataDir::open(&path).unwrap().seed(None).unwrap();
        let data = DataDir::open(&path).unwrap();
        assert_eq!(data.seed(None).unwrap(), seed);
        assert_eq!(data.seed(Some(seed)).unwrap(), seed);
        assert!(matches!(data.seed(Some([1; 32])), Err(DataDirError::OtherSeed(_))));

        assert_eq!(data.addresses().unwrap(), Addresses::default());
        let rest: SocketAddr = "127.0.0.1:80".parse().unwrap();
        data.keep_addresses(&Addresses { rest: Some(rest), ..Addresses::default() }).unwrap();
        let former = data.addresses().unwrap();
        assert_eq!(again("127.0.0.1:0".parse().unwrap(), former.rest), rest);
        let other: SocketAddr = "127.0.0.1:81".parse().unwrap();
        assert_eq!(again(other, former.rest), other);
    }
}
