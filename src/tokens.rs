//! What a tool costs: the o200k tokens of its entry in `tools/list`, byte for byte as it goes over the wire.

use bureau_kernel::error::{Error, Result};
use bureau_kernel::tool::WireForm;
use tiktoken_rs::CoreBPE;

use crate::server;

/// Counts tokens. Making one loads the vocabulary, which takes a moment and some 60 MB: no server does.
pub struct Counter(CoreBPE);

impl Counter {
    /// Loads the vocabulary, which is part of the program.
    ///
    /// # Errors
    /// [`Code::Internal`](bureau_kernel::error::Code::Internal) when the vocabulary is damaged.
    pub fn new() -> Result<Self> {
        tiktoken_rs::o200k_base()
            .map(Self)
            .map_err(|error| Error::internal(error.to_string()))
    }

    /// Tokens of a tool's entry, with what it answers or without.
    #[must_use]
    pub fn count(&self, tool: &WireForm, output_schemas: bool) -> usize {
        let entry = serde_json::to_string(&server::tool(tool, output_schemas)).unwrap_or_default();
        self.0.encode_ordinary(&entry).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_schemas_cost_more_and_every_tool_costs_something() {
        let counter = Counter::new().unwrap();
        for entry in crate::boot::whole_registry().unwrap().entries() {
            let (lean, whole) = (
                counter.count(entry.wire(), false),
                counter.count(entry.wire(), true),
            );
            assert!(
                lean > 50 && whole > lean,
                "{}: {lean}, {whole}",
                entry.spec.name
            );
        }
    }
}
