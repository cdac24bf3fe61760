//! One file per stage: `fn(&Ctx, &mut Exchange) -> Flow`, async where it waits. The order stands in `pipeline.rs`.

pub(crate) mod accept;
pub(crate) mod handshake;
pub(crate) mod head;
pub(crate) mod log;
pub(crate) mod measure;
pub(crate) mod own;
pub(crate) mod page;
pub(crate) mod shield;
pub(crate) mod site;
pub(crate) mod upstream;
