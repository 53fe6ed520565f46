//! The rules of personal data in recruiting: how long it is kept, what is erased and what stays, what is shown to the person, and
//! candidates who are one.

use std::sync::Arc;

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::scheduler::Scheduler;
use bureau_kernel::store::clock::{self, Clock};
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use chrono::Duration;
use serde_json::{Value, json};

use crate::MODULES;
use crate::campaign::{HANG, check_log, indexed};
use crate::integrity::occurrences;

/// A firm on the fifteenth of January, and its clock.
struct Firm {
    app: TestApp,
    owner: Caller,
    clock: Clock,
    scheduler: Scheduler,
}

impl Firm {
    async fn new(engine: Engine) -> Self {
        let clock = Clock::at("2026-01-15T09:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let firm = Self {
            owner: app.owner().await,
            scheduler: Scheduler::new(Arc::clone(&app.dispatcher)),
            app,
            clock,
        };
        firm.call("create_job", json!({ "title": "Engineer", "openings": 9 }))
            .await;
        firm
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.app.data(&self.owner, tool, arguments).await
    }

    /// A candidate who applies, unless they are a prospect.
    async fn candidate(&self, name: &str, job: Option<&str>) -> Value {
        let new = json!({ "name": name, "job": job });
        self.call("create_candidate", new).await
    }

    async fn reject(&self, name: &str) {
        let reject = json!({ "application": name, "status": "rejected", "reason": "other_chosen" });
        self.call("update_application_status", reject).await;
    }

    /// Lets time pass, in which the server is not up.
    async fn pass(&self, days: i64) {
        self.clock.step(Duration::days(days));
        clock::accept(self.app.store()).await.unwrap();
    }

    async fn tick(&self) {
        let ticked = self.scheduler.tick(self.clock.now()).await.unwrap();
        assert_eq!((ticked.failed, ticked.rests), (0, false), "{ticked:?}");
    }

    async fn names(&self, asked: Value) -> Vec<String> {
        let rows = self.call("list_candidates", asked).await;
        let rows = rows.as_array().unwrap().iter();
        let mut names: Vec<String> = rows
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    async fn get(&self, candidate: &Value) -> Value {
        self.call("get_candidate", json!({ "candidate": candidate }))
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_takes_those_whose_procedure_ended_so_long_ago_and_nobody_else() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let ada = firm.candidate("Ada", Some("Engineer")).await;
        firm.candidate("Bob", Some("Engineer")).await;
        firm.candidate("Cyd", Some("Engineer")).await;
        firm.candidate("Dee", Some("Engineer")).await;
        firm.candidate("Eve", Some("Engineer")).await;
        let fay = firm.candidate("Fay", None).await;
        for name in ["Ada", "Cyd", "Dee"] {
            firm.reject(name).await;
        }
        let hire = json!({ "application": "Eve", "status": "hired" });
        firm.call("update_application_status", hire).await;
        let consent = json!({
            "candidate": "Cyd", "consent_on": "2026-01-15", "consent_until": "2026-09-30",
        });
        firm.call("update_candidate", consent).await;
        let hold = json!({ "candidate": "Dee", "legal_hold": "Lawsuit" });
        firm.call("update_candidate", hold).await;
        // Without a rule nobody is taken, and the question has no answer.
        let by = json!({ "anonymize_by": "2030-01-01" });
        let error = firm.app.error(&firm.owner, "list_candidates", by).await;
        assert_eq!(error.field_name(), Some("anonymize_by"), "{error:?}");
        assert_eq!(firm.get(&ada["id"]).await["anonymize_on"], Value::Null);
        let rule = json!({ "retention_months": 6 });
        let told = firm.call("update_recruiting_settings", rule).await;
        assert_eq!(told["settings"]["retention_months"], 6);
        assert_eq!(told["due_now"], 0);
        // Whom it would take, and when.
        for (by, expected) in [
            ("2026-07-14", &[][..]),
            ("2026-07-15", &["Ada", "Fay"]),
            ("2026-09-30", &["Ada", "Fay"]),
            ("2026-10-01", &["Ada", "Cyd", "Fay"]),
            ("2040-01-01", &["Ada", "Cyd", "Fay"]),
        ] {
            let asked = json!({ "anonymize_by": by });
            assert_eq!(firm.names(asked).await, expected, "{by} on {engine:?}");
        }
        let listed = json!({ "anonymize_by": "2040-01-01", "sort": "name" });
        let listed = firm.call("list_candidates", listed).await;
        let days = listed.as_array().unwrap().iter();
        let days: Vec<&Value> = days.map(|row| &row["anonymize_on"]).collect();
        assert_eq!(days, ["2026-07-15", "2026-10-01", "2026-07-15"]);
        for name in ["Bob", "Dee", "Eve"] {
            let one = firm.get(&json!(name)).await;
            assert_eq!(one["anonymize_on"], Value::Null, "{name} on {engine:?}");
        }
        firm.pass(180).await; // the fourteenth of July
        firm.tick().await;
        assert_eq!(firm.names(json!({})).await.len(), 6, "nobody is due");
        firm.pass(1).await;
        firm.tick().await;
        assert_eq!(
            firm.names(json!({})).await,
            [
                "Anonymized candidate",
                "Anonymized candidate",
                "Bob",
                "Cyd",
                "Dee",
                "Eve"
            ]
        );
        let nobody = firm.get(&ada["id"]).await;
        assert_eq!(nobody["anonymized_on"], "2026-07-15");
        assert_eq!(nobody["applications"][0]["reason"], "other_chosen");
        assert_eq!(firm.get(&fay["id"]).await["anonymized_on"], "2026-07-15");
        // Nobody becomes somebody again.
        for (tool, arguments) in [
            (
                "update_candidate",
                json!({ "candidate": ada["id"], "name": "Ada" }),
            ),
            (
                "create_application",
                json!({ "candidate": ada["id"], "job": "Engineer" }),
            ),
            (
                "update_application_status",
                json!({ "application": ada["applications"][0]["id"], "stage": "Applied" }),
            ),
            ("anonymize_candidate", json!({ "candidate": ada["id"] })),
            (
                "merge_candidates",
                json!({ "keep": "Bob", "merge": [ada["id"]] }),
            ),
        ] {
            let error = firm.app.error(&firm.owner, tool, arguments).await;
            assert_eq!(error.code(), Code::Conflict, "{tool}: {error:?}");
        }
        // What the hold said is over; the consent too.
        let over = json!({ "candidate": "Dee", "clear": ["legal_hold"] });
        firm.call("update_candidate", over).await;
        firm.pass(90).await;
        firm.tick().await;
        indexed(&firm.app.dispatcher).await;
        assert_eq!(
            firm.names(json!({ "query": "cyd dee" })).await,
            [""; 0],
            "{engine:?}"
        );
        assert_eq!(
            firm.names(json!({ "status": ["in_progress", "hired"] }))
                .await,
            ["Bob", "Eve"]
        );
        let found = check_log(firm.app.store()).await;
        assert!(found.is_empty(), "{found:?} on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_takes_somebody_at_once_asks_a_person_first() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        firm.candidate("Ada", None).await;
        firm.pass(40).await;
        let rule = json!({ "retention_months": 1 });
        let tool = "update_recruiting_settings";
        let error = firm.app.error(&firm.owner, tool, rule.clone()).await;
        assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
        assert!(
            error.message().contains("anonymize 1 candidates"),
            "{error:?}"
        );
        firm.tick().await;
        assert_eq!(firm.names(json!({})).await, ["Ada"], "{engine:?}");
        assert_eq!(firm.call(tool, rule).await["due_now"], 1);
        // Emptied, there is none.
        let none = json!({ "clear": ["retention_months"] });
        let none = firm.call(tool, none).await;
        assert_eq!(none["settings"]["retention_months"], Value::Null);
        firm.tick().await;
        assert_eq!(firm.names(json!({})).await, ["Ada"], "{engine:?}");
        for wrong in [
            json!({ "retention_months": 0 }),
            json!({ "retention_months": 121 }),
        ] {
            let error = firm.app.error(&firm.owner, tool, wrong).await;
            assert_eq!(error.field_name(), Some("retention_months"));
        }
        let (_, stranger) = firm
            .app
            .key(&["read_candidates", "update_candidates"])
            .await;
        let refused = firm
            .app
            .outcome(&stranger, tool, json!({ "retention_months": 1 }))
            .await;
        assert!(
            format!("{refused:?}").contains("update_recruiting_settings"),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_has_a_day_and_an_end() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        for (wrong, field) in [
            (json!({ "consent_until": "2027-01-01" }), "consent_on"),
            (json!({ "consent_on": "2026-01-01" }), "consent_until"),
            (
                json!({ "consent_on": "2026-01-10", "consent_until": "2026-01-09" }),
                "consent_until",
            ),
            (
                json!({ "consent_on": "2026-01-16", "consent_until": "2027-01-09" }),
                "consent_on",
            ),
        ] {
            let mut arguments = wrong.clone();
            arguments["name"] = "Ada".into();
            let error = firm
                .app
                .error(&firm.owner, "create_candidate", arguments)
                .await;
            assert_eq!(error.field_name(), Some(field), "{wrong} on {engine:?}");
        }
    }
}

/// The words that tell of the one person in the test of erasing.
const WORDS: [&str; 9] = [
    "xylophantus",
    "quorzelbert",
    "wunderblix",
    "zwockel",
    "plimpling",
    "gruntzel",
    "mifflebot",
    "torkelwitz",
    "snurrigam",
];

/// Somebody who leaves traces in whatever recruiting keeps; the identifiers of candidate and application.
async fn known_well(firm: &Firm) -> (Value, Value) {
    let owner = &firm.owner;
    let new = json!({
        "name": "Xylophantus Querbeet", "email": "zwockel@example.com", "job": "Engineer",
        "summary": "Quorzelbert ".repeat(30), "tags": ["wunderblix"], "source": "Fair",
    });
    let made = firm.call("create_candidate", new).await;
    let (candidate, application) = (&made["id"], &made["applications"][0]["id"]);
    let change = json!({ "candidate": candidate, "resume": "Plimpling ".repeat(90) });
    firm.call("update_candidate", change).await;
    let talk = json!({
        "application": application, "interviewers": ["me"], "starts_at": "-1d",
    });
    firm.call("create_interview", talk).await;
    let card = json!({ "application": application, "overall": "no", "notes": "Gruntzel." });
    firm.call("create_scorecard", card).await;
    let offer = json!({ "application": application, "pay": "100", "terms": "Mifflebot." });
    let offer = firm.call("create_offer", offer).await["id"].clone();
    let sent = json!({ "offer": offer, "status": "approved" });
    firm.call("update_offer", sent).await;
    let other = json!({ "offer": offer, "terms": "Mifflebot again." });
    firm.call("update_offer", other).await;
    for about in [candidate, application] {
        let note = json!({ "about": about, "text": "Torkelwitz." });
        firm.call("create_note", note).await;
        let file = json!({ "about": about, "name": "cv.txt", "text": "Snurrigam." });
        firm.call("attach_file", file).await;
    }
    let reject = json!({
        "application": application, "status": "rejected", "reason": "other", "note": "Quorzelbert!",
        "idempotency_key": "reject",
    });
    firm.app
        .ok(owner, "update_application_status", reject)
        .await;
    (candidate.clone(), application.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_personal_is_nowhere_afterwards_and_figures_stay() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let (candidate, application) = known_well(&firm).await;
        let kept = firm.candidate("Somebody Else", Some("Engineer")).await;
        let figures = firm.call("get_recruiting_metrics", json!({})).await;
        let folder = firm.app.folder.path().to_owned();
        let forget = json!({ "candidate": candidate });
        // A trial changes nothing, and nothing is done without a word.
        let mut trial = forget.clone();
        trial["dry_run"] = true.into();
        firm.app.ok(&firm.owner, "anonymize_candidate", trial).await;
        let error = firm
            .app
            .error(&firm.owner, "anonymize_candidate", forget.clone())
            .await;
        assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
        assert_eq!(firm.get(&candidate).await["name"], "Xylophantus Querbeet");
        // Whoever may not delete notes and files does not do it by halves.
        let narrow = [
            "read_candidates",
            "update_candidates",
            "delete_candidates",
            "read_offers",
            "read_scorecards",
        ];
        let (_, narrow) = firm.app.key(&narrow).await;
        let mut confirmed = forget.clone();
        confirmed["confirm"] = true.into();
        let error = firm
            .app
            .error(&narrow, "anonymize_candidate", confirmed)
            .await;
        assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        assert_eq!(firm.get(&candidate).await["name"], "Xylophantus Querbeet");

        let done = firm
            .app
            .ok(&firm.owner, "anonymize_candidate", forget)
            .await;
        assert_eq!(done["data"]["name"], "Anonymized candidate");
        assert_eq!(done["data"]["source"], "Fair");
        assert_eq!(done["data"]["applications"][0]["status"], "rejected");
        assert_eq!(done["data"]["applications"][0]["id"], application);
        let after = firm.call("get_recruiting_metrics", json!({})).await;
        assert_eq!(after, figures, "{engine:?}");
        for word in WORDS {
            for column in ["before", "after"] {
                let rows = sql("SELECT entity FROM change_log WHERE LOWER(CAST(")
                    .sql(column)
                    .sql(" AS TEXT)) LIKE ")
                    .value(format!("%{word}%"));
                let rows = firm.app.rows(rows).await;
                let left: Vec<String> = rows.iter().map(|row| row.get("entity").unwrap()).collect();
                assert_eq!(left, [""; 0], "{word} in {column} on {engine:?}");
            }
            let rows =
                sql("SELECT key FROM receipt WHERE LOWER(answer) LIKE ").value(format!("%{word}%"));
            assert!(firm.app.rows(rows).await.is_empty(), "{word} in a receipt");
            let rows = sql("SELECT field FROM record_key WHERE LOWER(value) LIKE ")
                .value(format!("%{word}%"));
            assert!(firm.app.rows(rows).await.is_empty(), "{word} in a key");
            let found = firm.call("search_all", json!({ "query": word })).await;
            assert_eq!(found, json!([]), "{word} on {engine:?}");
        }
        for tool in ["list_notes", "list_files"] {
            let left = firm.call(tool, json!({ "about": candidate })).await;
            assert_eq!(left, json!([]), "{tool}");
        }
        // Nobody brings it back, and what others are stays as it is.
        let undo = json!({ "change": done["change"] });
        let error = firm.app.error(&firm.owner, "undo_change", undo).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        let skip = json!({ "change": done["change"], "skip_conflicts": true });
        let error = firm.app.error(&firm.owner, "undo_change", skip).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        assert_eq!(firm.get(&kept["id"]).await["name"], "Somebody Else");
        let found = check_log(firm.app.store()).await;
        assert!(found.is_empty(), "{found:?} on {engine:?}");
        if engine != Engine::Sqlite {
            continue;
        }
        let left = || -> Vec<String> {
            let all = WORDS
                .into_iter()
                .flat_map(|word| occurrences(&folder, word));
            // The index is cleaned when it merges; its own tests look at it.
            all.filter(|found| !found.contains("/index/")).collect()
        };
        let gone = async {
            while !left().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(HANG, gone).await;
        assert!(in_time.is_ok(), "{:#?}", left());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_and_a_procedure_that_goes_on_stand_in_the_way() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let held = json!({ "name": "Ada", "legal_hold": "Lawsuit" });
        firm.call("create_candidate", held).await;
        firm.candidate("Bob", Some("Engineer")).await;
        for (name, word) in [("Ada", "hold"), ("Bob", "under way")] {
            let forget = json!({ "candidate": name, "confirm": true });
            let error = firm
                .app
                .error(&firm.owner, "anonymize_candidate", forget)
                .await;
            assert_eq!(error.field_name(), Some("candidate"));
            assert!(error.message().contains(word), "{error:?} on {engine:?}");
        }
        assert_eq!(firm.names(json!({})).await, ["Ada", "Bob"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_stored_on_a_person_is_told_in_one_call_or_not_at_all() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let (candidate, application) = known_well(&firm).await;
        let asked = json!({ "candidate": candidate, "everything": true });
        let all = firm.call("get_candidate", asked.clone()).await["stored"].clone();
        let text = all.to_string().to_lowercase();
        for word in WORDS {
            // What a file holds is got with get_file.
            let is_told = text.contains(word) || word == "snurrigam";
            assert!(is_told, "{word} on {engine:?}: {all:#}");
        }
        let counts = [
            ("candidates", 1),
            ("applications", 1),
            ("moves", 2),
            ("offers", 1),
            ("interviews", 1),
            ("scorecards", 1),
            ("notes", 2),
            ("files", 2),
        ];
        for (kind, count) in counts {
            let records = all["records"][kind].as_array();
            assert_eq!(records.map(Vec::len), Some(count), "{kind} on {engine:?}");
        }
        let changes = all["changes"].as_array().unwrap();
        let logged = sql("SELECT COUNT(*) AS count FROM change_log WHERE entity IN
            ('candidate', 'application', 'application_move', 'offer', 'interview', 'scorecard', 'note', 'file')");
        let logged: i64 = firm.app.rows(logged).await[0].get("count").unwrap();
        assert_eq!(changes.len(), usize::try_from(logged).unwrap());
        assert_eq!(changes[0]["record"], candidate);
        assert_eq!(changes[0]["by"], "Owner");
        // Each permission less is a refusal that names it, and not a shorter answer.
        let needed = [
            "read_candidates",
            "read_offers",
            "read_scorecards",
            "read_notes",
            "read_files",
            // Answers to suggestions are stored, too.
            "read_knowledge_base",
            "read_audit_log",
        ];
        let (_, whole) = firm.app.key(&needed).await;
        firm.app.ok(&whole, "get_candidate", asked.clone()).await;
        for left_out in needed.iter().skip(1) {
            let some: Vec<&str> = needed
                .iter()
                .filter(|it| *it != left_out)
                .copied()
                .collect();
            let (_, some) = firm.app.key(&some).await;
            let error = firm.app.error(&some, "get_candidate", asked.clone()).await;
            assert_eq!(error.code(), Code::Forbidden, "{left_out}: {error:?}");
            assert_eq!(error.detail_value("permission"), Some(&json!(left_out)));
        }
        // Nor is it a way round the scorecards of others.
        let back = json!({ "application": application, "stage": "Interview" });
        firm.call("update_application_status", back).await;
        let talk = json!({
            "application": application, "interviewers": ["me"], "starts_at": "+1d",
        });
        firm.call("create_interview", talk).await;
        let error = firm.app.error(&firm.owner, "get_candidate", asked).await;
        assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        assert!(error.hint_text().unwrap().contains("create_scorecard"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_candidates_who_are_one_person_are_made_one_and_parted_again() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        firm.call("create_job", json!({ "title": "Designer" }))
            .await;
        let ada = firm.candidate("Ada", Some("Engineer")).await;
        let other = json!({
            "name": "A. Lovelace", "email": "ada@example.com", "job": "Designer", "tags": ["maths"],
        });
        let other = firm.call("create_candidate", other).await;
        let note = json!({ "about": other["id"], "text": "Writes well" });
        firm.call("create_note", note).await;
        let file = json!({ "about": other["id"], "name": "cv.txt", "text": "Life" });
        firm.call("attach_file", file).await;
        // One who is there already is named, and not entered twice.
        let again = json!({ "name": "Ada L.", "email": "ADA@example.com" });
        let error = firm.app.error(&firm.owner, "create_candidate", again).await;
        assert_eq!(error.detail_value("existing").unwrap()["id"], other["id"]);
        let merge = json!({ "keep": ada["id"], "merge": [other["id"]] });
        let merged = firm.app.ok(&firm.owner, "merge_candidates", merge).await;
        let data = &merged["data"];
        assert_eq!(data["email"], "ada@example.com", "{engine:?}");
        assert_eq!(data["tags"], json!(["maths"]));
        assert_eq!(data["applications"].as_array().unwrap().len(), 2);
        assert_eq!(firm.names(json!({})).await, ["Ada"]);
        for tool in ["list_notes", "list_files"] {
            let moved = firm.call(tool, json!({ "about": ada["id"] })).await;
            assert_eq!(moved.as_array().unwrap().len(), 1, "{tool}");
        }
        // Applications are called as the candidate is, wherever they come from.
        let on = json!({ "application": other["applications"][0]["id"], "stage": "Interview" });
        let on = firm
            .app
            .ok(&firm.owner, "update_application_status", on)
            .await;
        assert_eq!(on["data"]["candidate"]["name"], "Ada");
        firm.app
            .ok(
                &firm.owner,
                "undo_change",
                json!({ "change": on["change"] }),
            )
            .await;
        // The identifier that is gone goes on to mean the one that stays, wherever a tool takes it.
        let got = json!({ "candidate": other["id"] });
        let got = firm.app.ok(&firm.owner, "get_candidate", got).await;
        assert_eq!(got["data"]["id"], ada["id"], "{engine:?}");
        assert_eq!(got["resolved"]["candidate"]["id"], ada["id"]);
        let noted = json!({ "about": other["id"], "text": "Late" });
        let noted = firm.app.ok(&firm.owner, "create_note", noted).await;
        assert_eq!(noted["data"]["about"]["id"], ada["id"]);
        firm.app
            .ok(
                &firm.owner,
                "undo_change",
                json!({ "change": noted["change"] }),
            )
            .await;
        let titled = json!({ "candidate": other["id"], "title": "Countess" });
        let titled = firm.app.ok(&firm.owner, "update_candidate", titled).await;
        assert_eq!(titled["data"]["id"], ada["id"]);
        firm.app
            .ok(
                &firm.owner,
                "undo_change",
                json!({ "change": titled["change"] }),
            )
            .await;
        // Also over two steps.
        let third = firm.candidate("Augusta", None).await;
        let merge = json!({ "keep": third["id"], "merge": [ada["id"]] });
        let second = firm.app.ok(&firm.owner, "merge_candidates", merge).await;
        let got = firm.get(&other["id"]).await;
        assert_eq!(got["id"], third["id"], "{engine:?}");
        for change in [&second["change"], &merged["change"]] {
            firm.app
                .ok(&firm.owner, "undo_change", json!({ "change": change }))
                .await;
        }
        assert_eq!(
            firm.names(json!({})).await,
            ["A. Lovelace", "Ada", "Augusta"]
        );
        let back = firm.get(&other["id"]).await;
        assert_eq!(back["id"], other["id"]);
        assert_eq!(back["applications"].as_array().unwrap().len(), 1);
        let notes = firm
            .call("list_notes", json!({ "about": other["id"] }))
            .await;
        assert_eq!(notes.as_array().unwrap().len(), 1);
        assert_eq!(firm.get(&ada["id"]).await["email"], Value::Null);
        let found = check_log(firm.app.store()).await;
        assert!(found.is_empty(), "{found:?} on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_leaves_nobody_who_applies_twice_and_is_forgotten_whole() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let ada = firm.candidate("Ada", Some("Engineer")).await;
        let other = firm.candidate("Zwockel", Some("Engineer")).await;
        let merge = json!({ "keep": ada["id"], "merge": [other["id"]] });
        let error = firm
            .app
            .error(&firm.owner, "merge_candidates", merge.clone())
            .await;
        let (code, field) = (error.code(), error.field_name());
        assert_eq!((code, field), (Code::Conflict, Some("merge")), "{error:?}");
        assert_eq!(firm.names(json!({})).await, ["Ada", "Zwockel"]);
        for (wrong, field) in [
            (json!({ "keep": ada["id"], "merge": [] }), "merge"),
            (
                json!({ "keep": ada["id"], "merge": [ada["id"]] }),
                "merge[0]",
            ),
            (
                json!({ "keep": ada["id"], "merge": ["Nobody"] }),
                "merge[0]",
            ),
        ] {
            let error = firm.app.error(&firm.owner, "merge_candidates", wrong).await;
            assert_eq!(error.field_name(), Some(field), "{error:?}");
        }
        firm.reject("Zwockel").await;
        firm.call("merge_candidates", merge).await;
        let reject = json!({
            "application": ada["applications"][0]["id"], "status": "rejected",
            "reason": "other_chosen",
        });
        firm.call("update_application_status", reject).await;
        let forget = json!({ "candidate": other["id"] });
        firm.call("anonymize_candidate", forget).await;
        let rows = sql("SELECT id FROM candidate WHERE name <> 'Anonymized candidate'");
        assert!(firm.app.rows(rows).await.is_empty(), "{engine:?}");
        let rows = sql(
            "SELECT id FROM change_log WHERE CAST(after AS TEXT) LIKE '%wockel%'
            OR CAST(before AS TEXT) LIKE '%wockel%'",
        );
        assert!(firm.app.rows(rows).await.is_empty(), "{engine:?}");
        indexed(&firm.app.dispatcher).await;
        let found = check_log(firm.app.store()).await;
        assert!(found.is_empty(), "{found:?} on {engine:?}");
    }
}
