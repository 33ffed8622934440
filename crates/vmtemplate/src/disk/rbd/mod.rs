//! Images of a Ceph cluster: the installed command `rbd`, and the stream of `rbd export-diff`.

mod command;
mod diff;

pub(super) use command::open;
pub(super) use diff::{MAGIC, diff_version, spool_diff};
