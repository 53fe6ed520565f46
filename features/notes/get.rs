//! `get_note`

use bureau_kernel::prelude::*;

use crate::NOTES;
use crate::note::Note;

impl Gettable for Note {
    const SPEC: Spec = Spec::reads("get_note", NOTES.read)
        .title("Get note")
        .about("Get a note with all of its text by id.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What exactly did I write about the warehouse?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Wayne Logistics"}"#,
                keep: &[("wayne", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{wayne}", "text": "The warehouse closes at four."}"#,
                keep: &[("warehouse", "/data/id")],
            },
        ],
        arguments: r#"{"note": "{warehouse}"}"#,
        expect: &[
            ("/data/text", r#""The warehouse closes at four.""#),
            ("/data/about/id", r#""{wayne}""#),
        ],
    }];
}
