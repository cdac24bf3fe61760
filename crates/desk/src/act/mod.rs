//! What people and edges do at the desk. Each file is one act: decide (pure), then do.

pub(crate) mod blob;
pub(crate) mod case;
pub(crate) mod config;
pub(crate) mod cosign;
pub(crate) mod decide;
pub(crate) mod draft;
pub(crate) mod enrol;
pub(crate) mod mail;
pub(crate) mod page;
pub(crate) mod passkey;
pub(crate) mod publish;
pub(crate) mod receipt;
pub(crate) mod register;
pub(crate) mod report;
pub(crate) mod sign;
pub(crate) mod subject;
pub(crate) mod track;
pub(crate) mod undo;
