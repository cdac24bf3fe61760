//! Whose site it is. A host that nobody here serves gets 421 (RFC 9110 section 15.5.20); so does, on TLS, a host of
//! another customer than the server name's, so that ending a connection hits no stranger.

use crate::Host;
use crate::exchange::{Conn, Ctx, Exchange, Flow};
use crate::world::World;
use http::StatusCode;

pub(crate) fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    let Some(host) = &ex.host else { return Flow::Drop };
    // Before the measure stage looks: see cut.rs.
    ex.guard.begin(host, ex.started);
    let world = ctx.shared.world.load();
    ex.served = world.find(host).cloned();
    let known = ex.served.is_some() || ctx.shared.table.load().names(host);
    if known && is_same_customer(&ex.conn, host, &world) {
        return Flow::Next;
    }
    ctx.tally.misdirected.up();
    super::shield::refuse(ctx, ex, StatusCode::MISDIRECTED_REQUEST, "This host is not served here.")
}

fn is_same_customer(conn: &Conn, host: &Host, world: &World) -> bool {
    if !conn.tls || conn.sni.as_ref() == Some(host) {
        return true;
    }
    let owner = |h: &Host| world.find(h).map(|served| &served.customer);
    conn.sni.as_ref().and_then(owner).is_some_and(|customer| owner(host) == Some(customer))
}
