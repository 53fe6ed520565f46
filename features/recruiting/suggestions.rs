//! What applications ask for.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::store::Sql;
use bureau_kernel::suggestion::{
    Finding, SuggestedCall, SuggestionRule, Wanted, days, days_since, urgency_since,
};
use futures::FutureExt as _;
use serde_json::json;

use crate::application::Application;
use crate::stages::StageKind;
use crate::vacancy::Vacancy;
use crate::{CANDIDATES, JOBS};

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[SuggestionRule {
    name: "candidates_waiting",
    about: "An application for an open job has stood in its stage for 14 days",
    reads: &[JOBS.read, CANDIDATES.read],
    find: |cx, wanted| waiting(cx, wanted).boxed(),
}];

/// Days in a stage after which a candidate has waited for long.
const LONG: i64 = 14;

async fn waiting(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let since = cx.now() - chrono::Duration::days(LONG);
    let only = |statement: Sql, cx: &Cx| {
        let open = statement
            .sql(" AND status IN ('in_progress', 'offer') AND stage_since <= ")
            .value(since)
            .sql(" AND job IN (SELECT id")
            .from_live::<Vacancy>(cx)
            .sql(" AND status = 'open'");
        // An application is the business of whoever recruits for its job.
        let open = match wanted.owner {
            Some(member) => open.sql(" AND recruiter = ").value(member),
            None => open,
        };
        open.sql(")")
    };
    let anybodys = Wanted {
        owner: None,
        subject: wanted.subject.clone(),
    };
    let applications = anybodys.records::<Application>(cx, "referrer", only, "stage_since");
    let mut recruiters = HashMap::new();
    let mut findings = Vec::new();
    for application in applications.await? {
        let recruiter = match recruiters.get(&application.job) {
            Some(known) => *known,
            None => {
                let recruiter = cx.get(application.job).await?.recruiter;
                recruiters.insert(application.job, recruiter);
                recruiter
            }
        };
        let waited = days_since(cx, *application.stage_since);
        let impact = match *application.status {
            StageKind::Offer => 75,
            _ => 50,
        };
        findings.push(Finding {
            subject: application.id.into(),
            owner: recruiter,
            action: format!("Decide how it goes on with {}", *application.name),
            reason: format!(
                "The application has stood in its stage for {}.",
                days(waited)
            ),
            evidence: vec![application.candidate.into(), application.job.into()],
            impact,
            urgency: urgency_since(waited - LONG),
            facts: format!("{} {}", *application.stage, *application.stage_since),
            call: SuggestedCall::of(
                "get_candidate",
                json!({ "candidate": application.candidate }),
            ),
        });
    }
    Ok(findings)
}
