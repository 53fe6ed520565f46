//! The rules of recruiting: jobs and their openings, stages, moves, rejection, figures.

use std::collections::BTreeMap;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::MODULES;

/// What one who may do everything but reject may do.
const NO_REJECTION: [&str; 4] = [
    "read_jobs",
    "read_candidates",
    "create_candidates",
    "update_candidates",
];

async fn job(app: &TestApp, owner: &Caller, more: Value) -> Value {
    let mut arguments = json!({ "title": "Engineer" });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    app.data(owner, "create_job", arguments).await
}

/// A candidate for a job; the application's identifier.
async fn applies(app: &TestApp, owner: &Caller, name: &str, job: &Value) -> Value {
    let new = json!({ "name": name, "job": job["id"] });
    let made = app.data(owner, "create_candidate", new).await;
    made["applications"][0]["id"].clone()
}

async fn moved(app: &TestApp, owner: &Caller, application: &Value, more: Value) -> Value {
    let mut arguments = json!({ "application": application });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    app.data(owner, "update_application_status", arguments)
        .await
}

async fn get_job(app: &TestApp, owner: &Caller, job: &Value) -> Value {
    app.data(owner, "get_job", json!({ "job": job["id"] }))
        .await
}

fn names(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn openings_are_opened_filled_and_closed_one_by_one() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({ "openings": 2 })).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        let bob = applies(&app, &owner, "Bob", &engineer).await;
        let cyd = applies(&app, &owner, "Cyd", &engineer).await;
        moved(&app, &owner, &ada, json!({ "status": "hired" })).await;
        moved(&app, &owner, &bob, json!({ "stage": "Hired" })).await;
        let now = get_job(&app, &owner, &engineer).await;
        assert_eq!(now["open_openings"], 0, "{engine:?}");
        assert_eq!(now["filled_openings"], 2);
        assert_eq!(now["in_progress"], 1);
        assert_eq!(now["openings"][0]["application"]["name"], "Ada");
        assert_eq!(now["openings"][1]["application"]["name"], "Bob");
        // Beyond the openings nobody is hired, and nothing is written.
        let hire = json!({ "application": cyd, "status": "hired" });
        let error = app
            .error(&owner, "update_application_status", hire.clone())
            .await;
        assert_eq!(error.code(), Code::Conflict);
        assert!(
            error.hint_text().unwrap().contains("add_openings"),
            "{error:?}"
        );
        assert_eq!(
            get_job(&app, &owner, &engineer).await["stages"][0]["candidates"],
            1
        );
        // Whoever does not come after all makes room.
        let gone = json!({ "status": "withdrawn", "reason": "took_other_job" });
        let gone = moved(&app, &owner, &ada, gone).await;
        assert_eq!(gone["accepted_on"], Value::Null);
        assert_eq!(gone["left_stage"]["name"], "Hired");
        app.ok(&owner, "update_application_status", hire).await;
        let now = get_job(&app, &owner, &engineer).await;
        assert_eq!(now["openings"][0]["application"]["name"], "Cyd");
        // Openings are closed with a reason, the newest first, and no more than are open.
        let more = json!({ "job": engineer["id"], "add_openings": 3 });
        let more = app.data(&owner, "update_job", more).await;
        assert_eq!(more["open_openings"], 3);
        for (wrong, field) in [
            (json!({ "close_openings": 1 }), "close_reason"),
            (
                json!({ "close_openings": 4, "close_reason": "Budget" }),
                "close_openings",
            ),
            (json!({ "close_reason": "Budget" }), "close_reason"),
            (json!({ "status": "closed" }), "close_reason"),
            (
                json!({ "status": "closed", "close_reason": "Budget", "add_openings": 1 }),
                "add_openings",
            ),
        ] {
            let mut arguments = wrong.clone();
            arguments["job"] = engineer["id"].clone();
            let error = app.error(&owner, "update_job", arguments).await;
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
        let one = json!({ "job": engineer["id"], "close_openings": 1, "close_reason": "Budget" });
        let one = app.data(&owner, "update_job", one).await;
        assert_eq!(one["openings"][4]["status"], "closed");
        assert_eq!(one["openings"][4]["reason"], "Budget");
        assert_eq!(one["openings"][3]["status"], "open");
        let over =
            json!({ "job": engineer["id"], "status": "closed", "close_reason": "Found inside" });
        let over = app.data(&owner, "update_job", over).await;
        assert_eq!(over["open_openings"], 0);
        assert_eq!(over["filled_openings"], 2);
        assert_eq!(over["openings"][3]["reason"], "Found inside");
        assert_eq!(over["openings"][4]["reason"], "Budget");
        let late = json!({ "name": "Late", "job": engineer["id"] });
        let error = app.error(&owner, "create_candidate", late).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("job"))
        );
        let none = app
            .data(&owner, "list_candidates", json!({ "query": "Late" }))
            .await;
        assert_eq!(none, json!([]), "nothing was written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_are_hired_at_the_same_moment_do_not_share_an_opening() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({})).await;
        let mut applications = Vec::new();
        for name in ["Ada", "Bob", "Cyd", "Dee"] {
            applications.push(applies(&app, &owner, name, &engineer).await);
        }
        let hires = applications.iter().map(|application| {
            let hire = json!({ "application": application, "status": "hired" });
            app.outcome(&owner, "update_application_status", hire)
        });
        let outcomes = futures::future::join_all(hires).await;
        let hired = outcomes.iter().filter(|it| matches!(it, Outcome::Done(_)));
        assert_eq!(hired.count(), 1, "{engine:?}: {outcomes:?}");
        assert_eq!(get_job(&app, &owner, &engineer).await["filled_openings"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_takes_a_reason_of_the_matching_kind_and_every_move_is_kept() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({})).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        for (wrong, field) in [
            (json!({}), "stage"),
            (json!({ "stage": "Nowhere" }), "stage"),
            (json!({ "stage": "Applied" }), "stage"),
            (json!({ "status": "in_progress" }), "stage"),
            (json!({ "stage": "Interview", "status": "offer" }), "status"),
            (
                json!({ "stage": "Interview", "reason": "lacks_skills" }),
                "reason",
            ),
            (json!({ "status": "rejected" }), "reason"),
            (
                json!({ "status": "rejected", "reason": "took_other_job" }),
                "reason",
            ),
            (json!({ "status": "rejected", "reason": "other" }), "note"),
            (json!({ "status": "withdrawn" }), "reason"),
            (
                json!({ "status": "withdrawn", "reason": "lacks_skills" }),
                "reason",
            ),
            (
                json!({ "stage": "Interview", "moved_on": "tomorrow" }),
                "moved_on",
            ),
            (
                json!({ "stage": "Interview", "moved_on": "yesterday" }),
                "moved_on",
            ),
        ] {
            let mut arguments = wrong.clone();
            arguments["application"] = ada.clone();
            let error = app
                .error(&owner, "update_application_status", arguments)
                .await;
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
        moved(
            &app,
            &owner,
            &ada,
            json!({ "stage": "interview", "note": "Strong" }),
        )
        .await;
        let left = json!({ "status": "rejected", "reason": "other", "note": "Moved abroad" });
        let left = moved(&app, &owner, &ada, left).await;
        assert_eq!(left["status"], "rejected");
        assert_eq!(left["left_stage"]["name"], "Interview");
        assert!(left["closed_on"].is_string());
        let back = moved(&app, &owner, &ada, json!({ "stage": "Screening" })).await;
        for gone in ["reason", "note", "left_stage", "closed_on"] {
            assert_eq!(back[gone], Value::Null, "{gone} on {engine:?}");
        }
        let all = app
            .data(&owner, "get_candidate", json!({ "candidate": "Ada" }))
            .await;
        let moves = all["applications"][0]["moves"].as_array().unwrap();
        let told: Vec<_> = moves
            .iter()
            .map(|it| {
                json!([
                    it["stage"]["name"],
                    it["reason"],
                    it["note"],
                    it["by"]["name"]
                ])
            })
            .collect();
        assert_eq!(
            json!(told),
            json!([
                ["Applied", null, null, "Owner"],
                ["Interview", null, "Strong", "Owner"],
                ["Rejected", "other", "Moved abroad", "Owner"],
                ["Screening", null, null, "Owner"],
            ])
        );
        // One who applies already does not do so twice, and may again afterwards.
        let again = json!({ "candidate": "Ada", "job": engineer["id"] });
        let error = app.error(&owner, "create_application", again.clone()).await;
        assert_eq!(error.detail_value("existing").unwrap()["id"], ada);
        let gone = json!({ "status": "withdrawn", "reason": "no_answer" });
        moved(&app, &owner, &ada, gone).await;
        let second = app.data(&owner, "create_application", again).await;
        assert_ne!(second["id"], ada);
        // A name that means two applications is asked about.
        let which = json!({ "application": "Ada", "stage": "Interview" });
        let error = app.error(&owner, "update_application_status", which).await;
        assert_eq!(error.code(), Code::Validation, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejecting_is_a_permission_of_its_own_and_a_persons_word() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({})).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        let reject = json!({ "application": ada, "status": "rejected", "reason": "other_chosen" });
        let (_, clerk) = app.key(&NO_REJECTION).await;
        let error = app
            .error(&clerk, "update_application_status", reject.clone())
            .await;
        assert_eq!(error.code(), Code::Forbidden);
        assert_eq!(
            error.detail_value("permission"),
            Some(&json!("reject_candidates"))
        );
        // What is no rejection the same key may do.
        let on = json!({ "application": ada, "stage": "Interview" });
        app.ok(&clerk, "update_application_status", on).await;
        // Whoever may reject is asked first.
        let error = app
            .error(&owner, "update_application_status", reject.clone())
            .await;
        assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
        let listed = app
            .data(&owner, "list_candidates", json!({ "status": "rejected" }))
            .await;
        assert_eq!(listed, json!([]));
        let done = app.ok(&owner, "update_application_status", reject).await;
        let back = json!({ "stage": "Interview" });
        let back = {
            let mut arguments = back;
            arguments["application"] = ada.clone();
            app.ok(&owner, "update_application_status", arguments).await
        };
        // Taking the return back is rejecting.
        let undo = json!({ "change": back["change"] });
        let (_, undoer) = app
            .key(&[&NO_REJECTION[..], &["undo_changes", "update_jobs"]].concat())
            .await;
        let error = app.error(&undoer, "undo_change", undo).await;
        assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        // And taking the rejection back is none.
        let undone = json!({ "changes": [back["change"], done["change"]] });
        app.ok(&owner, "undo_change", undone).await;
        let all = app
            .data(&owner, "get_candidate", json!({ "candidate": "Ada" }))
            .await;
        let moves = all["applications"][0]["moves"].as_array().unwrap();
        assert_eq!(
            moves.len(),
            2,
            "moves that were taken back do not count: {moves:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_come_from_a_template_and_what_was_passed_stays() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let usual = job(&app, &owner, json!({ "title": "Usual" })).await;
        assert_eq!(
            names(&usual["stages"]),
            [
                "Applied",
                "Screening",
                "Interview",
                "Offer",
                "Hired",
                "Rejected",
                "Withdrawn"
            ]
        );
        let stages = json!([
            { "name": "Inbox" },
            { "name": "Not for us", "kind": "rejected" },
            { "name": "Too late", "kind": "rejected" },
            { "name": "Trial" },
            { "name": "Contract", "kind": "offer" },
        ]);
        let own = job(&app, &owner, json!({ "title": "Own", "stages": stages })).await;
        let expected = [
            "Inbox",
            "Trial",
            "Contract",
            "Hired",
            "Not for us",
            "Too late",
            "Withdrawn",
        ];
        assert_eq!(names(&own["stages"]), expected);
        let like = json!({ "title": "Like", "template": "Own" });
        let like = job(&app, &owner, like).await;
        assert_eq!(names(&like["stages"]), expected, "{engine:?}");
        assert_ne!(like["stages"][0]["id"], own["stages"][0]["id"]);
        for wrong in [
            json!([{ "name": "A", "kind": "offer" }]),
            json!([{ "name": "A" }, { "name": "a" }]),
            json!([{ "name": "A" }, { "name": "B", "kind": "hired" }, { "name": "C", "kind": "hired" }]),
        ] {
            let arguments = json!({ "title": "Wrong", "stages": wrong });
            let error = app.error(&owner, "create_job", arguments).await;
            assert_eq!(error.field_name(), Some("stages"), "{wrong}: {error:?}");
        }
        let ada = applies(&app, &owner, "Ada", &own).await;
        moved(&app, &owner, &ada, json!({ "stage": "Trial" })).await;
        // Two stages of a kind: which of them has to be said.
        let vague = json!({ "application": ada, "status": "rejected", "reason": "other_chosen" });
        let error = app.error(&owner, "update_application_status", vague).await;
        assert_eq!(error.field_name(), Some("stage"));
        assert!(error.hint_text().unwrap().contains("Too late"), "{error:?}");
        // What somebody went through is renamed and moved, and neither goes nor becomes something else.
        let arrange = |stages: Value| json!({ "job": own["id"], "stages": stages });
        let without = arrange(json!([{ "name": "Trial" }, { "name": "Contract" }]));
        let error = app.error(&owner, "update_job", without).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("stages"))
        );
        let other = arrange(
            json!([{ "name": "Inbox" }, { "name": "Trial", "kind": "offer" }, { "name": "Contract" }]),
        );
        let error = app.error(&owner, "update_job", other).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("stages"))
        );
        let renamed = arrange(json!([
            { "name": "Inbox" }, { "name": "Call" }, { "name": "Trial", "rename": "Trial day" }, { "name": "Contract" },
        ]));
        let renamed = app.data(&owner, "update_job", renamed).await;
        assert_eq!(
            names(&renamed["stages"]),
            [
                "Inbox",
                "Call",
                "Trial day",
                "Contract",
                "Hired",
                "Not for us",
                "Too late",
                "Withdrawn"
            ]
        );
        assert_eq!(renamed["stages"][2]["id"], own["stages"][1]["id"]);
        assert_eq!(renamed["stages"][2]["candidates"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_listed_by_what_their_applications_are() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({})).await;
        let designer = job(&app, &owner, json!({ "title": "Designer" })).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        let bob = applies(&app, &owner, "Bob", &engineer).await;
        app.ok(
            &owner,
            "create_candidate",
            json!({ "name": "Cyd", "tags": ["golf"] }),
        )
        .await;
        let both = json!({ "candidate": "Bob", "job": "Designer" });
        app.ok(&owner, "create_application", both).await;
        moved(&app, &owner, &ada, json!({ "stage": "Interview" })).await;
        let old = json!({ "name": "Old", "source": "Fair" });
        app.ok(&owner, "create_candidate", old).await;
        let long = json!({ "candidate": "Old", "job": "Designer", "applied_on": "-30d" });
        app.ok(&owner, "create_application", long).await;
        let gone = json!({ "status": "withdrawn", "reason": "location" });
        moved(&app, &owner, &bob, gone).await;
        for (asked, expected) in [
            (json!({}), &["Ada", "Bob", "Cyd", "Old"][..]),
            (json!({ "job": "Engineer" }), &["Ada", "Bob"]),
            (
                json!({ "job": engineer["id"], "stage": "Interview" }),
                &["Ada"],
            ),
            (json!({ "stage": "interview" }), &["Ada"]),
            (json!({ "stage": "applied" }), &["Bob", "Old"]),
            (json!({ "job": "Engineer", "stage": "applied" }), &[]),
            (
                json!({ "job": "Engineer", "status": "in_progress" }),
                &["Ada"],
            ),
            (
                json!({ "job": "Designer", "status": ["in_progress", "withdrawn"] }),
                &["Bob", "Old"],
            ),
            (
                json!({ "job": "Engineer", "status": ["in_progress", "withdrawn"] }),
                &["Ada", "Bob"],
            ),
            (json!({ "status": "hired" }), &[]),
            (json!({ "prospects": true }), &["Cyd"]),
            (json!({ "prospects": false }), &["Ada", "Bob", "Old"]),
            (json!({ "prospects": true, "tag": "golf" }), &["Cyd"]),
            (json!({ "min_days_in_stage": 7 }), &["Old"]),
            (json!({ "min_days_in_stage": 7, "job": "Engineer" }), &[]),
            (
                json!({ "min_days_in_stage": 7, "status": "withdrawn" }),
                &[],
            ),
            (json!({ "applied_after": "today" }), &["Ada", "Bob"]),
            (json!({ "applied_before": "yesterday" }), &["Old"]),
            (
                json!({ "applied_before": "yesterday", "job": "Engineer" }),
                &[],
            ),
            (json!({ "hired_after": "-1y" }), &[]),
            (json!({ "source": "fair" }), &["Old"]),
            (json!({ "query": "bob", "job": "Designer" }), &["Bob"]),
            (
                json!({ "query": "bob", "job": "Engineer", "status": "in_progress" }),
                &[],
            ),
        ] {
            let listed = app.data(&owner, "list_candidates", asked.clone()).await;
            let mut found = names(&listed);
            found.sort_unstable();
            assert_eq!(found, expected, "{asked} on {engine:?}");
            let mut counted = asked.clone();
            counted["count_only"] = true.into();
            let answer = app.ok(&owner, "list_candidates", counted).await;
            assert_eq!(
                answer["page"]["total"],
                expected.len(),
                "{asked} on {engine:?}"
            );
        }
        for (wrong, field) in [
            (json!({ "stage": "Nowhere" }), "stage"),
            (json!({ "stage": "Nowhere", "job": "Engineer" }), "stage"),
            (json!({ "prospects": true, "status": "hired" }), "prospects"),
            (json!({ "status": "flying" }), "status"),
            (json!({ "status": "active" }), "status"),
        ] {
            let error = app.error(&owner, "list_candidates", wrong.clone()).await;
            assert!(
                error.field_name().unwrap().starts_with(field),
                "{wrong}: {error:?}"
            );
        }
        // The same person is not entered twice, and a new name is the name of the applications.
        let twice = json!({ "name": "Ada L.", "email": "ada@example.com" });
        let first = app.data(&owner, "create_candidate", twice.clone()).await;
        let error = app.error(&owner, "create_candidate", twice).await;
        assert_eq!(error.detail_value("existing").unwrap()["id"], first["id"]);
        let renamed = json!({ "candidate": "Ada", "name": "Ada Lovelace" });
        app.ok(&owner, "update_candidate", renamed).await;
        // Whoever writes the name: also what is entered again and goes into what is there.
        let again = json!({ "name": "Ada Lovelace-King", "email": "ada@example.com", "on_duplicate": "update", "job": "Designer" });
        app.ok(&owner, "create_candidate", again).await;
        let again =
            json!({ "name": "Augusta", "email": "ada@example.com", "on_duplicate": "update" });
        app.ok(&owner, "create_candidate", again).await;
        let known = json!({ "application": "Augusta", "stage": "Screening" });
        app.ok(&owner, "update_application_status", known).await;
        let on = json!({ "application": "Ada Lovelace", "stage": "Offer" });
        let on = app.data(&owner, "update_application_status", on).await;
        assert_eq!((&on["id"], &on["status"]), (&ada, &json!("offer")));
        let _ = designer;
    }
}

/// An application as the naive reference of the figures knows it.
struct Course {
    job: &'static str,
    applied: i64,
    /// Days since the application, and the stage that it came to then.
    steps: Vec<(i64, &'static str)>,
    reason: Option<&'static str>,
    source: Option<&'static str>,
}

const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 2, 2).unwrap();

fn on(day: i64) -> NaiveDate {
    DAY.checked_add_days(Days::new(day.try_into().unwrap()))
        .unwrap()
}

/// Twelve applications for two jobs with different stages.
fn courses() -> Vec<Course> {
    let course = |job, applied, steps: &[(i64, &'static str)], reason, source| Course {
        job,
        applied,
        steps: steps.to_vec(),
        reason,
        source,
    };
    let (a, b) = ("Engineer", "Clerk");
    let (fair, web) = (Some("Fair"), Some("Web"));
    vec![
        course(
            a,
            0,
            &[
                (2, "Screening"),
                (5, "Interview"),
                (9, "Offer"),
                (12, "Hired"),
            ],
            None,
            fair,
        ),
        course(
            a,
            0,
            &[(3, "Interview"), (10, "Rejected")],
            Some("lacks_skills"),
            fair,
        ),
        course(a, 1, &[(4, "Rejected")], Some("lacks_experience"), web),
        course(
            a,
            1,
            &[(2, "Screening"), (3, "Applied"), (6, "Interview")],
            None,
            web,
        ),
        course(a, 2, &[(30, "Hired")], None, None),
        course(
            a,
            2,
            &[
                (1, "Screening"),
                (8, "Withdrawn"),
                (9, "Interview"),
                (20, "Withdrawn"),
            ],
            Some("pay_too_low"),
            fair,
        ),
        course(a, 3, &[], None, web),
        course(b, 3, &[(1, "Interview"), (2, "Hired")], None, fair),
        course(
            b,
            4,
            &[(1, "Interview"), (4, "Withdrawn")],
            Some("location"),
            web,
        ),
        course(b, 4, &[(7, "Rejected")], Some("lacks_skills"), web),
        course(b, 50, &[(1, "Interview")], None, fair),
        course(b, 51, &[], None, None),
    ]
}

fn way(job: &str) -> &'static [&'static str] {
    match job {
        "Engineer" => &["Applied", "Screening", "Interview", "Offer", "Hired"],
        _ => &["Applied", "Interview", "Hired"],
    }
}

fn median(mut days: Vec<i64>) -> Value {
    days.sort_unstable();
    let (n, twice) = (days.len(), |at: usize| days[at]);
    match n {
        0 => Value::Null,
        _ => {
            let sum = twice((n - 1) / 2) + twice(n / 2);
            json!(format!("{}.{}", sum / 2, if sum % 2 == 1 { 5 } else { 0 }))
        }
    }
}

/// What stage `name` of these applications comes to: reached, skipped, now, rejected, withdrawn, those near and those on from
/// there, and the days of the stays that ended.
fn figures(courses: &[&Course], name: &str) -> ([i64; 7], Vec<i64>) {
    let (mut sums, mut days) = ([0; 7], Vec::new());
    for course in courses {
        let way = way(course.job);
        let mut stood = vec![(0, "Applied")];
        stood.extend(course.steps.iter().copied());
        let furthest = stood
            .iter()
            .filter_map(|(_, stage)| way.iter().position(|known| known == stage))
            .max()
            .unwrap();
        let (_, last) = stood[stood.len() - 1];
        for (index, (from, stage)) in stood.iter().enumerate() {
            if let Some((to, _)) = stood.get(index + 1)
                && *stage == name
                && name != "Hired"
            {
                days.push(to - from);
            }
        }
        let Some(place) = way.iter().position(|known| *known == name) else {
            continue;
        };
        let reached = place <= furthest;
        let was_there = stood.iter().any(|(_, stage)| *stage == name);
        sums[0] += i64::from(reached);
        sums[1] += i64::from(reached && !was_there);
        sums[2] += i64::from(last == name);
        // Where the last run of exits began.
        let mut left = stood.len() - 1;
        while ["Rejected", "Withdrawn"].contains(&stood[left].1) {
            left -= 1;
        }
        let is_left = left < stood.len() - 1 && stood[left].1 == name;
        sums[3] += i64::from(is_left && last == "Rejected");
        sums[4] += i64::from(is_left && last == "Withdrawn");
        let near = place > 0 && place - 1 <= furthest;
        sums[5] += i64::from(near);
        sums[6] += i64::from(near && reached);
    }
    (sums, days)
}

fn percent(part: i64, whole: i64) -> Value {
    if whole < 5 {
        return Value::Null;
    }
    // Tenths of a percent, half up.
    let tenths = (2_000 * part + whole) / (2 * whole);
    json!(format!("{}.{}", tenths / 10, tenths % 10))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_equal_those_of_a_naive_reference() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        job(&app, &owner, json!({ "openings": 3, "department": "Tech" })).await;
        let stages = json!([{ "name": "Applied" }, { "name": "interview" }]);
        let clerk = json!({ "title": "Clerk", "stages": stages, "openings": 3 });
        job(&app, &owner, clerk).await;
        let courses = courses();
        for (index, course) in courses.iter().enumerate() {
            let name = format!("Person {index}");
            let mut person = json!({ "name": name });
            if let Some(source) = course.source {
                person["source"] = source.into();
            }
            if index % 4 == 0 {
                person["referrer"] = "me".into();
            }
            app.ok(&owner, "create_candidate", person).await;
            let applied =
                json!({ "candidate": name, "job": course.job, "applied_on": on(course.applied) });
            let applied = app.data(&owner, "create_application", applied).await;
            for (index, (day, stage)) in course.steps.iter().enumerate() {
                let mut step = json!({ "stage": stage, "moved_on": on(course.applied + day) });
                let is_last = index + 1 == course.steps.len();
                match *stage {
                    "Withdrawn" if !is_last => step["reason"] = "no_answer".into(),
                    "Withdrawn" | "Rejected" => step["reason"] = course.reason.unwrap().into(),
                    _ => {}
                }
                let mut arguments = step;
                arguments["application"] = applied["id"].clone();
                app.ok(&owner, "update_application_status", arguments).await;
            }
        }
        // What was taken back does not count.
        let extra = json!({ "name": "Nobody", "job": "Engineer" });
        let extra = app.ok(&owner, "create_candidate", extra).await;
        app.ok(&owner, "undo_change", json!({ "change": extra["change"] }))
            .await;

        type Only = fn(&Course) -> bool;
        let asked: [(Value, Only, &[&str]); 5] = [
            (
                json!({}),
                |_| true,
                &["Applied", "Screening", "Interview", "Offer", "Hired"],
            ),
            (
                json!({ "job": "Engineer" }),
                |course| course.job == "Engineer",
                &["Applied", "Screening", "Interview", "Offer", "Hired"],
            ),
            (
                json!({ "department": "tech" }),
                |course| course.job == "Engineer",
                &["Applied", "Screening", "Interview", "Offer", "Hired"],
            ),
            (
                json!({ "job": "Clerk" }),
                |course| course.job == "Clerk",
                &["Applied", "interview", "Hired"],
            ),
            (
                json!({ "after": on(1), "before": on(4) }),
                |course| (1..=4).contains(&course.applied),
                &["Applied", "Screening", "Interview", "Offer", "Hired"],
            ),
        ];
        for (arguments, only, stages) in asked {
            let about = format!("{arguments} on {engine:?}");
            let cohort: Vec<&Course> = courses.iter().filter(|course| only(course)).collect();
            let told = app
                .data(&owner, "get_recruiting_metrics", arguments.clone())
                .await;
            assert_eq!(told["applications"], cohort.len(), "{about}");
            let mut outcomes: BTreeMap<&str, i64> = BTreeMap::new();
            for course in &cohort {
                let last = course.steps.last().map_or("Applied", |(_, stage)| stage);
                let status = match last {
                    "Hired" => "hired",
                    "Rejected" => "rejected",
                    "Withdrawn" => "withdrawn",
                    "Offer" => "offer",
                    _ => "in_progress",
                };
                *outcomes.entry(status).or_default() += 1;
            }
            let told_outcomes = told["outcomes"].as_array().unwrap().iter();
            let told_outcomes: BTreeMap<&str, i64> = told_outcomes
                .map(|it| {
                    (
                        it["status"].as_str().unwrap(),
                        it["count"].as_i64().unwrap(),
                    )
                })
                .collect();
            assert_eq!(told_outcomes, outcomes, "{about}");
            let funnel = told["funnel"].as_array().unwrap();
            let named: Vec<_> = funnel
                .iter()
                .map(|it| it["stage"].as_str().unwrap())
                .collect();
            assert_eq!(
                named
                    .iter()
                    .map(|name| name.to_lowercase())
                    .collect::<Vec<_>>(),
                stages
                    .iter()
                    .map(|name| name.to_lowercase())
                    .collect::<Vec<_>>(),
                "{about}"
            );
            for (figure, name) in funnel.iter().zip(stages) {
                let name = if *name == "interview" {
                    "Interview"
                } else {
                    name
                };
                let ([reached, skipped, now, rejected, withdrawn, near, come], days) =
                    figures(&cohort, name);
                let found = json!([
                    figure["reached"],
                    figure["skipped"],
                    figure["now"],
                    figure["rejected"],
                    figure["withdrawn"],
                    figure["share"],
                    figure["conversion"],
                    figure["days"]["n"],
                    figure["days"]["median"],
                ]);
                let conversion = percent(come, near);
                let count = cohort.len().try_into().unwrap();
                let share = percent(reached, count);
                let expected = json!([
                    reached,
                    skipped,
                    now,
                    rejected,
                    withdrawn,
                    share,
                    conversion,
                    days.len(),
                    median(days),
                ]);
                assert_eq!(found, expected, "{name}: {about}");
            }
            // Hires go by the day of accepting, whoever applied when.
            let scope: Vec<&Course> = match (arguments.get("job"), arguments.get("department")) {
                (None, None) => courses.iter().collect(),
                _ => cohort.clone(),
            };
            let bounds = arguments.get("after").map(|_| 1..=4);
            let hired = scope.iter().filter_map(|course| {
                let (day, stage) = course.steps.last()?;
                let accepted = course.applied + day;
                let counts = bounds
                    .as_ref()
                    .is_none_or(|bounds| bounds.contains(&accepted));
                (*stage == "Hired" && counts).then_some(*day)
            });
            let hired: Vec<i64> = hired.collect();
            assert_eq!(told["time_to_hire"]["n"], hired.len(), "{about}");
            assert_eq!(
                told["time_to_hire"]["median"],
                median(hired.clone()),
                "{about}"
            );
            assert_eq!(
                told["time_to_fill"]["n"].as_i64().unwrap() > 0,
                !hired.is_empty() && bounds.is_none(),
                "{about}"
            );
            let mut sources: BTreeMap<Option<&str>, (i64, i64)> = BTreeMap::new();
            for course in &cohort {
                let of = sources.entry(course.source).or_default();
                of.0 += 1;
                of.1 += i64::from(
                    course
                        .steps
                        .last()
                        .is_some_and(|(_, stage)| *stage == "Hired"),
                );
            }
            let found = told["sources"].as_array().unwrap();
            assert_eq!(found.len(), sources.len(), "{about}");
            for source in found {
                let (count, hired) = sources[&source["source"].as_str()];
                assert_eq!(source["applications"], count, "{about}");
                assert_eq!(source["hired"], hired, "{about}");
                assert_eq!(source["hire_rate"], percent(hired, count), "{about}");
            }
            let left = cohort
                .iter()
                .filter(|course| course.reason.is_some())
                .count();
            let reasons = told["reasons"].as_array().unwrap().iter();
            let sum: i64 = reasons.map(|it| it["count"].as_i64().unwrap()).sum();
            assert_eq!(sum, i64::try_from(left).unwrap(), "{about}");
        }
        // Openings that were opened today and filled by who accepted before count from their own day.
        let stays = sql("SELECT COUNT(*) AS count FROM opening WHERE filled_on < opened_on");
        let stays = app.rows(stays).await;
        assert_eq!(stays[0].get::<i64>("count").unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_of_one_application_decides_no_other() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({ "openings": 2 })).await;
        let designer = job(&app, &owner, json!({ "title": "Designer" })).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        let both = json!({ "candidate": "Ada", "job": "Designer" });
        let other = app.data(&owner, "create_application", both).await["id"].clone();
        let statuses = async || {
            let ada = app
                .data(&owner, "get_candidate", json!({ "candidate": "Ada" }))
                .await;
            let all = ada["applications"].as_array().unwrap().iter();
            json!(all.map(|one| &one["status"]).collect::<Vec<_>>())
        };
        let warned = |answer: &Value| {
            let told = answer["notices"].to_string();
            told.contains(other.as_str().unwrap()) && told.contains("under way")
        };
        let reject = json!({ "application": ada, "status": "rejected", "reason": "other_chosen" });
        let rejected = app.ok(&owner, "update_application_status", reject).await;
        assert!(warned(&rejected), "{rejected}");
        assert_eq!(
            statuses().await,
            json!(["rejected", "in_progress"]),
            "{engine:?}"
        );
        let hire = json!({ "application": ada, "status": "hired" });
        let hired = app.ok(&owner, "update_application_status", hire).await;
        assert!(warned(&hired), "{hired}");
        assert_eq!(
            statuses().await,
            json!(["hired", "in_progress"]),
            "{engine:?}"
        );
        // Nor does a job that is closed.
        let close = json!({ "job": designer["id"], "status": "closed", "close_reason": "Budget" });
        let closed = app.ok(&owner, "update_job", close).await;
        let told = closed["notices"].to_string();
        assert!(told.contains("1 applications"), "{told}");
        assert_eq!(
            statuses().await,
            json!(["hired", "in_progress"]),
            "{engine:?}"
        );
        // With nothing under way nothing is said.
        let gone =
            json!({ "application": other, "status": "withdrawn", "reason": "took_other_job" });
        let gone = app.ok(&owner, "update_application_status", gone).await;
        assert_eq!(gone["notices"], Value::Null, "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_come_from_a_table_once_each() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let table = "Candidate;E-Mail;Phone;Skills;Quelle\nAda Lovelace;ada@example.com;+49 30 123456;maths, looms;Fair\nBob;bob@example.com;;;";
        let new = json!({ "kind": "candidates", "text": table });
        let done = app.ok(&owner, "import_data", new.clone()).await;
        let listed = app
            .data(&owner, "list_candidates", json!({ "sort": "name" }))
            .await;
        assert_eq!(
            names(&listed),
            ["Ada Lovelace", "Bob"],
            "{engine:?}: {done}"
        );
        assert_eq!(listed[0]["email"], "ada@example.com");
        assert_eq!(listed[0]["tags"], json!(["maths", "looms"]));
        assert_eq!(listed[0]["source"], "Fair");
        app.outcome(&owner, "import_data", new).await;
        let listed = app.data(&owner, "list_candidates", json!({})).await;
        assert_eq!(listed.as_array().unwrap().len(), 2, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_listed_one_by_one() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let engineer = job(&app, &owner, json!({})).await;
        job(&app, &owner, json!({ "title": "Designer" })).await;
        let ada = applies(&app, &owner, "Ada", &engineer).await;
        applies(&app, &owner, "Bob", &engineer).await;
        let both = json!({ "candidate": "Ada", "job": "Designer", "source": "Fair", "applied_on": "-9d", "referrer": "me" });
        app.ok(&owner, "create_application", both).await;
        let spelt = json!({ "candidate": "Bob", "job": "Designer", "source": "FAIR" });
        let spelt = app.data(&owner, "create_application", spelt).await;
        assert_eq!(spelt["source"], "Fair", "as it was spelt first");
        moved(&app, &owner, &ada, json!({ "status": "hired" })).await;
        for (asked, expected) in [
            (json!({}), &["Ada", "Ada", "Bob", "Bob"][..]),
            (json!({ "job": "Designer" }), &["Ada", "Bob"]),
            (json!({ "stage": "applied" }), &["Ada", "Bob", "Bob"]),
            (json!({ "stage": engineer["stages"][0]["id"] }), &["Bob"]),
            (json!({ "stage": "Hired", "job": "Designer" }), &[]),
            (json!({ "status": ["hired", "rejected"] }), &["Ada"]),
            (json!({ "source": "fair" }), &["Ada", "Bob"]),
            (json!({ "referrer": "me" }), &["Ada"]),
            (json!({ "applied_before": "-2d" }), &["Ada"]),
            (
                json!({ "applied_after": "today", "source": "fair" }),
                &["Bob"],
            ),
            (json!({ "closed_after": "today" }), &["Ada"]),
            (json!({ "closed_before": "yesterday" }), &[]),
        ] {
            let listed = app.data(&owner, "list_applications", asked.clone()).await;
            let rows = listed.as_array().unwrap().iter();
            let mut found: Vec<&str> = rows
                .map(|row| row["candidate"]["name"].as_str().unwrap())
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{asked} on {engine:?}");
        }
        for (wrong, field) in [
            (json!({ "stage": "Nowhere" }), "stage"),
            (json!({ "job": "Nowhere" }), "job"),
            (json!({ "status": "flying" }), "status"),
        ] {
            let error = app.error(&owner, "list_applications", wrong).await;
            let named = error.field_name().unwrap();
            assert!(named.starts_with(field), "{error:?}");
        }
    }
}
