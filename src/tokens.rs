//! What a tool costs in o200k tokens: what of its entry in `tools/list` a client shows to a model, and the whole entry, byte for
//! byte as it goes over the wire.

use bureau_kernel::error::{Error, Result};
use bureau_kernel::tool::WireForm;
use serde_json::json;
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

    /// Tokens of what a model sees of a tool in every conversation: its name, what it is for and its parameters.
    #[must_use]
    pub fn visible(&self, tool: &WireForm) -> usize {
        self.count(&json!({
            "name": tool.name,
            "description": tool.description,
            "inputSchema": *tool.input_schema,
        }))
    }

    /// Tokens of a tool's entry in the list, with what it answers or without.
    #[must_use]
    pub fn wire(&self, tool: &WireForm, output_schemas: bool) -> usize {
        self.count(&server::tool(tool, output_schemas))
    }

    fn count(&self, entry: &impl serde::Serialize) -> usize {
        let entry = serde_json::to_string(entry).unwrap_or_default();
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
            let (visible, lean, whole) = (
                counter.visible(entry.wire()),
                counter.wire(entry.wire(), false),
                counter.wire(entry.wire(), true),
            );
            assert!(
                visible > 30 && lean > visible && whole > lean,
                "{}: {visible}, {lean}, {whole}",
                entry.spec.name
            );
        }
    }
}
