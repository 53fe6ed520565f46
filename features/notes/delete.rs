//! `delete_note`

use bureau_kernel::prelude::*;

use crate::NOTES;
use crate::note::Note;

impl Deletable for Note {
    const SPEC: Spec = Spec::removes("delete_note", NOTES.delete)
        .title("Delete note")
        .about("Delete a note, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the note that I wrote by mistake",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Cyberdyne"}"#,
                keep: &[("cyberdyne", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{cyberdyne}", "text": "A mistake"}"#,
                keep: &[("mistake", "/data/id")],
            },
        ],
        arguments: r#"{"note": "{mistake}", "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{mistake}""#),
            ("/data/name", r#""A mistake""#),
            ("/data/restorable", "true"),
        ],
    }];
    /// Nothing refers to one.
    const REASSIGNS: bool = false;
}
