//! A WebSocket (RFC 6455) that sends back what it gets. Enough of the protocol for a demonstration, and strict in it:
//! anything unusual closes the connection.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Answer, whole};

/// RFC 6455 section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Longest message echoed, bytes: a demonstration types lines, and up to here a length is two bytes.
const MAX_MESSAGE: usize = 65_535;

/// Opcodes (RFC 6455 section 5.2).
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Answers the handshake and goes on as an echo.
pub(super) fn accept(mut request: Request<Incoming>) -> Answer {
    let field =
        |name| request.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or_default();
    let upgrade = field(header::UPGRADE).eq_ignore_ascii_case("websocket")
        && field(header::SEC_WEBSOCKET_VERSION) == "13";
    let key = field(header::SEC_WEBSOCKET_KEY).to_owned();
    if !upgrade || STANDARD.decode(&key).map_or(true, |k| k.len() != 16) {
        return whole(
            StatusCode::UPGRADE_REQUIRED,
            "text/plain; charset=utf-8",
            "this is a WebSocket\n".into(),
        );
    }
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(connection) = upgraded.await {
            // How it ends is the visitor's or the edge's business.
            drop(echo(TokioIo::new(connection)).await);
        }
    });
    let mut answer = whole(StatusCode::SWITCHING_PROTOCOLS, "text/plain", String::new());
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&accept_key(&key)).expect("base64 is visible ASCII");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// RFC 6455 section 4.2.2, step 5.4.
fn accept_key(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!("{key}{GUID}").as_bytes()))
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> std::io::Result<()> {
    loop {
        let (opcode, message) = read(&mut stream).await?;
        match opcode {
            1 | 2 => write(&mut stream, opcode, &message).await?,
            PING => write(&mut stream, PONG, &message).await?,
            PONG => {}
            _ => return write(&mut stream, CLOSE, &message).await,
        }
    }
}

/// One unfragmented, masked frame (RFC 6455 section 5.2).
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<(u8, Vec<u8>)> {
    let refuse = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    if head[0] & 0xf0 != 0x80 || head[1] & 0x80 == 0 {
        return Err(refuse("only whole, masked frames without extensions"));
    }
    let length = match head[1] & 0x7f {
        126 => usize::from(stream.read_u16().await?),
        127 => return Err(refuse("too long")),
        short => usize::from(short),
    };
    if length > MAX_MESSAGE {
        return Err(refuse("too long"));
    }
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    message.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok((head[0] & 0x0f, message))
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, opcode: u8, message: &[u8]) -> std::io::Result<()> {
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(message.len()), u16::try_from(message.len())) {
        (Ok(short @ 0..126), _) => frame.push(short),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        // What came in was at most MAX_MESSAGE, so this cannot be; it is an error all the same.
        (_, Err(_)) => return Err(std::io::Error::other("too long")),
    }
    frame.extend_from_slice(message);
    stream.write_all(&frame).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_own_example() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    /// RFC 6455 section 5.7: "Hello", masked, and what comes back unmasked.
    #[tokio::test]
    async fn echoes_the_rfcs_frame() {
        let (mut visitor, origin) = tokio::io::duplex(256);
        let served = tokio::spawn(echo(origin));
        visitor.write_all(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").await.expect("written");
        let mut answer = [0; 7];
        visitor.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"\x81\x05Hello");
        visitor.write_all(b"\x81\x05Hello").await.expect("written");
        assert!(served.await.expect("no panic").is_err(), "an unmasked frame ends it");
    }
}
