//! `search_companies`

use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::references::Names;
use bureau_kernel::store::{Kind, enum_name};
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_COMPANIES;
use crate::company::{Company, CompanyType};

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchCompanies {
    /// Part of name, website, address, tag
    query: Option<ShortText<500>>,
    #[serde(rename = "type")]
    kind: Option<CompanyType>,
    industry: Option<ShortText<100>>,
    city: Option<ShortText<100>>,
    country: Option<ShortText<60>>,
    /// Member
    owner: Option<Id<Member>>,
    tag: Option<ShortText<50>>,
    /// Without a query
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that companies are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Name,
    CreatedAt,
    UpdatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::Name => Order::new("name", "sort_name", Kind::Text),
            Self::CreatedAt => Order::CREATED,
            Self::UpdatedAt => Order::UPDATED,
        }
    }
}

/// A company in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompanyRow {
    id: Id<Company>,
    name: ShortText<200>,
    domain: Option<ShortText<253>>,
    industry: Option<ShortText<100>>,
    employees: Option<BoundedInt<0, 100_000_000>>,
    city: Option<ShortText<100>>,
    country: Option<ShortText<60>>,
    types: Vec<CompanyType>,
    owner: Option<Named<Member>>,
    tags: Vec<ShortText<50>>,
    created_at: Timestamp,
}

impl CompanyRow {
    fn of(saved: Saved<Company>, owners: &Names<Member>) -> Self {
        let company = saved.record;
        Self {
            id: saved.id,
            name: company.name,
            domain: company.domain,
            industry: company.industry,
            employees: company.employees,
            city: company.city,
            country: company.country,
            types: company.types.0,
            owner: company.owner.map(|id| owners.of(id)),
            tags: company.tags.0,
            created_at: saved.created_at,
        }
    }
}

impl Tool for SearchCompanies {
    const SPEC: Spec = Spec::reads("search_companies", READ_COMPANIES)
        .title("Search companies")
        .about("Search companies by any part of their data, or list them with filters.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Find the brewery in Cologne",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Kölner Bräu", "industry": "Brewery", "city": "Köln", "types": ["customer"]}"#,
                keep: &[("brew", "/data/id")],
            }],
            arguments: r#"{"query": "brewery koln"}"#,
            expect: &[("/data/0/id", r#""{brew}""#)],
        },
        Example {
            title: "Which customers do we have in Cologne?",
            before: &[],
            arguments: r#"{"type": "customer", "city": "köln", "sort": "name"}"#,
            expect: &[
                ("/data/0/id", r#""{brew}""#),
                ("/data/0/industry", r#""Brewery""#),
            ],
        },
    ];
    type Output = Vec<CompanyRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<CompanyRow>> {
        let list = cx
            .list::<Company>()
            .term("type", self.kind.as_ref().map(enum_name))
            .term("industry", self.industry.as_deref().map(folded))
            .term("city", self.city.as_deref().map(folded))
            .term("country", self.country.as_deref().map(folded))
            .term("owner", self.owner.map(|owner| owner.to_string()))
            .term("tag", self.tag.as_deref().map(folded));
        let order = self.sort.map(Sort::order);
        let page = list
            .query_or_page(
                self.query.as_deref(),
                order,
                Sort::Name.order(),
                self.descending,
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let owners = page.rows.iter().filter_map(|company| company.owner);
        let owners = cx.names(owners.collect::<Vec<_>>()).await?;
        Ok(cx.page(page.map(|company| CompanyRow::of(company, &owners))))
    }
}
