//! The seam to whoever must know of a command before its first byte is written.

use futures::future::BoxFuture;

use crate::model::DeviceIndex;

/// Is told of each command that must not be sent twice, before it is written: should the process be killed then, it is
/// known that the device may have acted.
pub trait Intents: Send + Sync {
    /// The device's command is about to be written, and may be once this resolves; `None`: at once. Never fails: a run
    /// does not depend on being remembered.
    fn declare(&self, device: DeviceIndex) -> Option<BoxFuture<'static, ()>>;
}
