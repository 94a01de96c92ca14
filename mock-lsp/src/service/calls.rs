//! What a client has called on its connection, which only faults ask for.

use crate::message::Method;

/// The calls on a connection up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    /// Whether get_info was among them.
    pub(crate) has_asked: bool,
    /// Whether create_order was.
    pub(crate) has_ordered: bool,
    /// How often the last method was called without another between.
    pub(crate) in_a_row: u32,
    last: Option<Method>,
}

impl Calls {
    pub(super) fn note(&mut self, method: Method) {
        self.has_asked |= method == Method::GetInfo;
        self.has_ordered |= method == Method::CreateOrder;
        self.in_a_row = match self.last == Some(method) {
            true => self.in_a_row.saturating_add(1),
            false => 1,
        };
        self.last = Some(method);
    }
}
