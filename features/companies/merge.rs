//! `merge_companies`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::COMPANIES;
use crate::company::{Company, is_or_is_below};

/// Companies to be made one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeCompanies {
    /// The company that stays
    keep: Id<Company>,
    /// Companies that go into it, up to 20
    merge: Vec<Id<Company>>,
}

impl Tool for MergeCompanies {
    const SPEC: Spec = Spec::changes("merge_companies", COMPANIES.update)
        .title("Merge companies")
        .about("Merge duplicates into one company; everything that pointed at them moves.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Weyland is there twice: make it one",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Weyland", "tags": ["fair"]}"#,
                keep: &[("first", "/data/id")],
            },
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Weyland Corp", "city": "London", "on_duplicate": "create"}"#,
                keep: &[("second", "/data/id")],
            },
        ],
        arguments: r#"{"keep": "{first}", "merge": ["{second}"], "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{first}""#),
            ("/data/city", r#""London""#),
            ("/data/tags", r#"["fair"]"#),
        ],
    }];
    type Output = View<Company>;

    async fn call(self, cx: &mut Cx) -> Result<View<Company>> {
        let mut parent = cx
            .get(self.keep)
            .await
            .map_err(|error| error.field("keep"))?
            .parent;
        // What would come to stand above itself stands alone.
        for gone in &self.merge {
            if is_or_is_below(cx, parent, *gone).await? {
                parent = None;
            }
        }
        let gone = self.merge.clone();
        let kept = duplicates::merge(cx, self.keep, &self.merge, |company: &mut Company| {
            let inherited = company.parent;
            let is_itself = |id: &Id<Company>| *id == self.keep || gone.contains(id);
            company.parent = parent.or(inherited).filter(|id| !is_itself(id));
        });
        let kept = kept.await?;
        cx.view(kept).await
    }
}
