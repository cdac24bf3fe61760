//! TLS, within its deadline.

use crate::exchange::Ctx;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

pub(crate) async fn run(ctx: &Ctx, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    let acceptor = ctx.tls.as_ref()?;
    match timeout(ctx.limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(_)) | Err(_) => {
            ctx.tally.handshakes_failed.up();
            None
        }
    }
}
