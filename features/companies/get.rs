//! `get_company`

use std::collections::BTreeMap;

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::COMPANIES;
use crate::company::Company;

/// Which company to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetCompany {
    company: Id<Company>,
}

/// A company and how much belongs to it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CompanyView {
    #[serde(flatten)]
    company: View<Company>,
    /// Live records that refer to it, by their kind.
    linked: BTreeMap<&'static str, i64>,
}

impl Tool for GetCompany {
    const SPEC: Spec = Spec::reads("get_company", COMPANIES.read)
        .title("Get company")
        .about("Get a company by id, and how many records are linked to it.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What do we know about Initech?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Initech", "industry": "Software", "employees": 120}"#,
                keep: &[("initech", "/data/id")],
            },
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Initech France", "parent": "{initech}"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"company": "{initech}"}"#,
        expect: &[
            ("/data/name", r#""Initech""#),
            ("/data/employees", "120"),
            ("/data/linked/company", "1"),
        ],
    }];
    type Output = CompanyView;

    async fn call(self, cx: &mut Cx) -> Result<CompanyView> {
        let company = cx.get(self.company).await?;
        Ok(CompanyView {
            linked: cx.linked(company.id).await?,
            company: cx.view(company).await?,
        })
    }
}
