//! `create_company`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::COMPANIES;
use crate::company::Company;

/// A new company.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub(crate) struct CreateCompany {
    on_duplicate: Option<OnDuplicate>,
    #[serde(flatten)]
    fields: Patch<Company>,
}

impl Tool for CreateCompany {
    const SPEC: Spec = Spec::adds("create_company", COMPANIES.create)
        .title("Create company")
        .about("Create a company, unless it is there already.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Add Acme Corp as a customer",
            before: &[],
            arguments: r#"{"name": "Acme Corp", "website": "https://www.acme.example", "types": ["customer"],
                "city": "Hamburg", "country": "DE", "vat_id": "de 123 456 789"}"#,
            expect: &[
                ("/data/name", r#""Acme Corp""#),
                ("/data/domain", r#""acme.example""#),
                ("/data/vat_id", r#""DE123456789""#),
                ("/data/version", "1"),
            ],
        },
        Example {
            title: "Create a company, or add to the one with this domain",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Globex", "domain": "globex.example", "tags": ["fair"]}"#,
                keep: &[("globex", "/data/id")],
            }],
            arguments: r#"{"name": "Globex International", "website": "globex.example", "tags": ["vip"], "on_duplicate": "update"}"#,
            expect: &[
                ("/data/id", r#""{globex}""#),
                ("/data/name", r#""Globex International""#),
                ("/data/tags", r#"["vip", "fair"]"#),
            ],
        },
    ];
    type Output = View<Company>;

    async fn call(self, cx: &mut Cx) -> Result<View<Company>> {
        let company = self.fields.record(cx.local_time())?;
        let choice = self.on_duplicate.unwrap_or_default();
        let saved = duplicates::create(cx, company, &self.fields, choice).await?;
        cx.view(saved).await
    }
}
