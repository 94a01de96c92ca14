//! Serving HTTP until the mock is shut down.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long requests in flight may take once the mock is being shut down.
const GRACE: Duration = Duration::from_secs(1);

/// Tells the mock's tasks to end. Clones share it.
#[derive(Clone)]
pub(crate) struct Shutdown {
    begun: watch::Sender<bool>,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self { begun: watch::Sender::new(false) }
    }

    /// Lets the shutdown begin.
    pub(crate) fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Ends when the shutdown begins.
    pub(crate) fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut begun = self.begun.subscribe();
        async move {
            // An error means that nobody is left to begin one: the same.
            let _ = begun.wait_for(|begun| *begun).await;
        }
    }
}

/// A bound socket and, later, the task that serves it.
pub(crate) struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl HttpServer {
    /// Binds a socket; port 0 means any.
    pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the shutdown begins.
    pub(crate) fn serve(self, router: Router, shutdown: &Shutdown) -> JoinHandle<()> {
        let (polite, hard) = (shutdown.begun(), shutdown.begun());
        tokio::spawn(async move {
            let serving = axum::serve(self.listener, router).with_graceful_shutdown(polite);
            tokio::select! {
                result = serving => if let Err(error) = result {
                    tracing::error!("failed to serve HTTP: {error}");
                },
                () = async { hard.await; tokio::time::sleep(GRACE).await } => {}
            }
        })
    }
}
