//! Suggestions: each rule finds what it says and nothing else, what it proposes can be called, and what was answered stays away until
//! the facts change.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::store::clock::{self, Clock};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use chrono::Duration;
use serde_json::{Value, json};

use crate::MODULES;

/// A firm on the fifteenth of January, and its clock.
struct Firm {
    app: TestApp,
    owner: Caller,
    clock: Clock,
}

impl Firm {
    async fn new(engine: Engine) -> Self {
        let clock = Clock::at("2026-01-15T09:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        Self {
            owner: app.owner().await,
            app,
            clock,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.app.data(&self.owner, tool, arguments).await
    }

    /// Lets time pass, in which the server is not up.
    async fn pass(&self, days: i64) {
        self.clock.step(Duration::days(days));
        clock::accept(self.app.store()).await.unwrap();
    }

    async fn asked(&self, asked: Value) -> Vec<Value> {
        let answer = self.call("get_ai_suggestions", asked).await;
        answer["suggestions"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The rules that find something, each with the record and the reason.
    async fn found(&self) -> Vec<(String, String, String)> {
        let all = self.asked(json!({ "limit": 100 })).await;
        let mut found: Vec<(String, String, String)> = all
            .iter()
            .map(|one| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    text(&one["rule"]),
                    text(&one["about"]["name"]),
                    text(&one["reason"]),
                )
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// The one suggestion of a rule.
    async fn only(&self, rule: &str) -> Value {
        let mut found = self.asked(json!({ "rule": rule })).await;
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        found.remove(0)
    }

    async fn is_quiet(&self, rule: &str) {
        let found = self.asked(json!({ "rule": rule })).await;
        assert!(found.is_empty(), "{rule}: {found:?}");
    }

    /// Tries the call of every suggestion there is: what is proposed can be called as it stands there.
    async fn all_can_be_called(&self) -> usize {
        let all = self.asked(json!({ "limit": 100 })).await;
        for one in &all {
            let tool = one["call"]["tool"].as_str().unwrap();
            let mut arguments = one["call"]["arguments"].clone();
            let registry = self.app.dispatcher.registry();
            if !registry.entry(tool).unwrap().spec.effect.reads_only() {
                arguments["dry_run"] = true.into();
            }
            match self.app.outcome(&self.owner, tool, arguments.clone()).await {
                Outcome::Done(_) => {}
                other => panic!("{tool} {arguments} of {one}: {other:?}"),
            }
        }
        all.len()
    }
}

fn pairs(found: &[(String, String, String)]) -> Vec<(&str, &str)> {
    let pairs = found
        .iter()
        .map(|(rule, name, _)| (rule.as_str(), name.as_str()));
    pairs.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_in_which_nothing_is_due_suggests_nothing() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let answer = firm.call("get_ai_suggestions", json!({})).await;
        assert_eq!(answer.get("suggestions"), None);
        assert_eq!(answer["more"], 0);
        let rules = answer["rules"].as_array().unwrap();
        assert!(
            rules.len() >= 12 && rules.iter().all(|rule| rule["found"] == 0),
            "{rules:?}"
        );
        assert_eq!(answer.get("not_looked_for"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_is_late_and_silent_until_something_is_planned_or_decided() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let new = json!({ "name": "Roof", "amount": "12000", "stage": "Negotiation", "expected_close": "2026-01-20" });
        firm.call("create_deal", new).await;
        let other = json!({ "name": "Cellar", "amount": "900", "stage": "Negotiation", "expected_close": "2026-04-20" });
        firm.call("create_deal", other).await;
        firm.pass(5).await;
        firm.is_quiet("deals_past_close").await;
        firm.pass(1).await;
        let late = firm.only("deals_past_close").await;
        assert_eq!(late["about"]["name"], "Roof");
        assert_eq!(
            late["reason"],
            "It is open and was expected to close on 2026-01-20, 1 day ago."
        );
        // Five digits, and a day late.
        assert_eq!(
            late["score"],
            json!({ "score": 38, "impact": 75, "urgency": 51 })
        );
        // The stage allows fourteen days, which are over for both.
        firm.is_quiet("silent_deals").await;
        firm.pass(9).await;
        let silent = firm.asked(json!({ "rule": ["silent_deals"] })).await;
        let names: Vec<&Value> = silent.iter().map(|one| &one["about"]["name"]).collect();
        assert_eq!(names, ["Roof", "Cellar"], "what is worth more comes first");
        assert_eq!(
            silent[0]["reason"],
            "Nothing was ever done on it, and it stands in its stage for 15 days, and nothing is planned; 14 days its stage allows."
        );
        assert!(firm.all_can_be_called().await >= 3);

        // What is proposed is done, and what is planned is no silence.
        let call = &silent[0]["call"];
        let planned = firm.call(call["tool"].as_str().unwrap(), call["arguments"].clone());
        let planned = planned.await;
        assert_eq!(firm.only("silent_deals").await["about"]["name"], "Cellar");
        let done = json!({ "activity": planned["id"], "outcome": "They think about it" });
        firm.call("complete_activity", done).await;
        assert_eq!(firm.only("silent_deals").await["about"]["name"], "Cellar");
        firm.pass(15).await;
        let again = firm.asked(json!({ "rule": "silent_deals" })).await;
        assert!(
            again[0]["reason"]
                .as_str()
                .unwrap()
                .starts_with("Nothing was done on it for 15 days"),
            "{again:?}"
        );
        let lost = json!({ "deal": "Roof", "status": "lost", "lost_reason": "Too dear" });
        firm.call("update_deal", lost).await;
        firm.is_quiet("deals_past_close").await;
        assert_eq!(firm.only("silent_deals").await["about"]["name"], "Cellar");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_stage_says_nothing_its_deals_say_what_is_long() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let stages = json!([{ "name": "Talks" }]);
        firm.call(
            "create_pipeline",
            json!({ "name": "Renewals", "stages": stages }),
        )
        .await;
        let deal = async |name: &str| {
            let new = json!({ "name": name, "pipeline": "Renewals" });
            firm.call("create_deal", new).await;
        };
        deal("Old").await;
        firm.pass(25).await;
        for name in ["A", "B", "C"] {
            deal(name).await;
        }
        // Four say nothing yet, and thirty days are long then.
        firm.is_quiet("silent_deals").await;
        firm.pass(6).await;
        assert_eq!(firm.only("silent_deals").await["about"]["name"], "Old");
        deal("D").await;
        // Of five the median has stood there for six days: twice as long is twelve.
        let reason = firm.only("silent_deals").await["reason"].clone();
        assert!(
            reason
                .as_str()
                .unwrap()
                .ends_with("12 days is twice the median of its stage."),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_is_followed_up_invoiced_and_reminded_of() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let acme = firm
            .call(
                "create_company",
                json!({ "name": "Acme", "types": ["customer"] }),
            )
            .await;
        let line = json!([{ "description": "Tiles", "unit_price": "100.00", "tax_rate": "0" }]);
        let offer = json!({ "title": "Tiles", "company": "Acme", "lines": line, "valid_until": "2026-02-10" });
        let offer = firm.call("create_quotation", offer).await;
        firm.call("send_quotation", json!({ "quotation": offer["id"] }))
            .await;
        for due in ["2026-01-29", "2026-02-03"] {
            let new = json!({ "company": "Acme", "lines": line, "due_date": due });
            let draft = firm.call("create_invoice", new).await;
            firm.call("issue_invoice", json!({ "invoice": draft["id"] }))
                .await;
        }
        assert_eq!(firm.found().await, []);

        // The third of February: one is overdue, the other is due today, and the offer runs out in a week.
        firm.pass(19).await;
        let found = firm.found().await;
        assert_eq!(
            pairs(&found),
            [
                ("invoices_overdue", "Acme"),
                ("quotations_expiring", "Q-2026-0001 Tiles")
            ]
        );
        assert_eq!(found[0].2, "100.00 EUR is overdue for 5 days.");
        assert_eq!(
            found[1].2,
            "It was sent, nobody has decided on it, and it runs out in 7 days, on 2026-02-10."
        );
        firm.pass(2).await;
        let overdue = firm.only("invoices_overdue").await;
        assert!(
            overdue["reason"]
                .as_str()
                .unwrap()
                .starts_with("200.00 EUR of 2 invoices is overdue, the oldest, "),
            "{overdue}"
        );
        assert_eq!(overdue["evidence"].as_array().unwrap().len(), 2);
        assert_eq!(overdue["about"]["id"], acme["id"]);
        assert_eq!(firm.all_can_be_called().await, 2);

        // Somebody takes it up; a payment changes what it stands on, and so it comes back.
        let taken = json!({ "suggestion": overdue["id"] });
        firm.call("acknowledge_suggestion", taken).await;
        firm.is_quiet("invoices_overdue").await;
        let first = overdue["evidence"][0]["id"].clone();
        firm.call(
            "record_payment",
            json!({ "invoice": first, "amount": "40" }),
        )
        .await;
        let left = firm.only("invoices_overdue").await;
        assert!(
            left["reason"]
                .as_str()
                .unwrap()
                .starts_with("160.00 EUR of 2"),
            "{left}"
        );
        for invoice in overdue["evidence"].as_array().unwrap() {
            let paid = json!({ "invoice": invoice["id"] });
            firm.call("record_payment", paid).await;
        }
        firm.is_quiet("invoices_overdue").await;

        let yes = json!({ "quotation": offer["id"], "status": "accepted" });
        firm.call("update_quotation_status", yes).await;
        firm.is_quiet("quotations_expiring").await;
        let bill = firm.only("quotations_to_invoice").await;
        assert_eq!(
            bill["reason"],
            "It was accepted today, and no invoice was made of it."
        );
        let call = &bill["call"];
        firm.call(call["tool"].as_str().unwrap(), call["arguments"].clone())
            .await;
        firm.is_quiet("quotations_to_invoice").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_and_whatever_is_late_is_found() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        firm.call("create_ticket", json!({ "subject": "It leaks", "priority": "high", "message": "Water!", "requester_email": "ada@example.com" })).await;
        firm.call("create_project", json!({ "name": "Move" })).await;
        let task = json!({ "project": "Move", "title": "Boxes", "due_on": "2026-01-20", "priority": "urgent" });
        firm.call("create_task", task).await;
        firm.call(
            "create_job",
            json!({ "title": "Engineer", "openings": 1, "status": "open", "recruiter": "me" }),
        )
        .await;
        firm.call(
            "create_candidate",
            json!({ "name": "Cyd", "job": "Engineer" }),
        )
        .await;
        let old = json!({ "name": "Quiet", "types": ["customer", "partner"], "owner": "me" });
        firm.call("create_company", old).await;
        firm.call(
            "create_company",
            json!({ "name": "Supplier", "types": ["supplier"] }),
        )
        .await;
        firm.call(
            "create_activity",
            json!({ "type": "call", "subject": "Call Bob", "due_at": "2026-01-16" }),
        )
        .await;
        for name in ["Emmy Noether", "E. Noether"] {
            let twice =
                json!({ "name": name, "emails": ["emmy@ring.example"], "on_duplicate": "create" });
            firm.call("create_contact", twice).await;
        }
        let found = firm.found().await;
        let ticket_targets = pairs(&found)
            .iter()
            .any(|(rule, _)| *rule == "tickets_near_breach");
        let found: Vec<_> = found
            .into_iter()
            .filter(|one| one.0 != "tickets_near_breach")
            .collect();
        assert_eq!(pairs(&found), [("duplicate_contacts", "Emmy Noether")]);
        firm.pass(100).await;
        let found = firm.found().await;
        let rules = pairs(&found);
        for expected in [
            ("activities_due", "Call Bob"),
            ("candidates_waiting", "Cyd for Engineer"),
            ("duplicate_contacts", "Emmy Noether"),
            ("silent_customers", "Quiet"),
            ("tasks_overdue", "Boxes"),
        ] {
            let of_rule: Vec<_> = rules
                .iter()
                .filter(|(rule, _)| *rule == expected.0)
                .collect();
            assert_eq!(of_rule.len(), 1, "{expected:?} {rules:?}");
            assert!(
                of_rule[0]
                    .1
                    .contains(expected.1.split(" for ").next().unwrap()),
                "{expected:?} {rules:?}"
            );
        }
        let tickets = rules
            .iter()
            .filter(|(rule, _)| rule.starts_with("tickets_"));
        assert_eq!(
            tickets.count(),
            1,
            "one of the two says it ({ticket_targets}): {rules:?}"
        );
        let ticket = firm
            .asked(json!({ "rule": ["tickets_near_breach", "tickets_unanswered"] }))
            .await;
        assert_eq!(
            ticket[0]["call"]["tool"], "update_ticket",
            "nobody has taken it"
        );
        assert_eq!(firm.all_can_be_called().await, found.len());

        // What is somebody's own is asked for by name.
        let mine = firm.asked(json!({ "owner": "me", "limit": 100 })).await;
        let mut mine: Vec<&str> = mine
            .iter()
            .map(|one| one["rule"].as_str().unwrap())
            .collect();
        mine.sort_unstable();
        assert_eq!(
            mine,
            ["activities_due", "candidates_waiting", "silent_customers"]
        );

        // Each goes when it is acted on.
        for rule in ["activities_due", "duplicate_contacts", "tasks_overdue"] {
            let one = firm.only(rule).await;
            let call = &one["call"];
            firm.call(call["tool"].as_str().unwrap(), call["arguments"].clone())
                .await;
            firm.is_quiet(rule).await;
        }
        let talked =
            json!({ "type": "call", "subject": "Talked", "company": "Quiet", "done": true });
        firm.call("create_activity", talked).await;
        firm.is_quiet("silent_customers").await;
        let answer = json!({ "ticket": ticket[0]["about"]["id"], "type": "reply", "body": "We come today." });
        firm.call("create_ticket_message", answer).await;
        firm.is_quiet("tickets_unanswered").await;
        let no = json!({ "application": "Cyd", "status": "rejected", "reason": "other_chosen" });
        firm.call("update_application_status", no).await;
        firm.is_quiet("candidates_waiting").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_holds_until_the_facts_change_and_can_be_taken_back() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let due = json!({ "type": "call", "subject": "Call Bob", "due_at": "2026-01-14" });
        let call = firm.call("create_activity", due).await;
        let id = firm.only("activities_due").await["id"].clone();
        let no = json!({ "suggestion": id, "answer": "dismissed", "note": "He wrote" });
        let answer = firm
            .app
            .ok(&firm.owner, "acknowledge_suggestion", no.clone())
            .await;
        assert_eq!(answer["data"]["about"]["name"], "Call Bob");
        firm.is_quiet("activities_due").await;
        let all = firm
            .call("get_ai_suggestions", json!({ "answered": "dismissed" }))
            .await;
        assert_eq!(
            all["answered"],
            json!({ "acknowledged": 0, "dismissed": 1 })
        );
        assert_eq!(all["suggestions"][0]["note"], "He wrote");
        assert_eq!(all["suggestions"][0]["id"], id);

        // Answered otherwise it is one answer still.
        let other = json!({ "suggestion": id, "answer": "acknowledged" });
        let changed = firm
            .app
            .ok(&firm.owner, "acknowledge_suggestion", other)
            .await;
        assert_eq!(changed["data"]["id"], answer["data"]["id"]);
        let undone = json!({ "change": changed["change"] });
        firm.call("undo_change", undone).await;
        let all = firm
            .call("get_ai_suggestions", json!({ "answered": "dismissed" }))
            .await;
        assert_eq!(all["suggestions"][0]["note"], "He wrote");
        let undone = json!({ "change": answer["change"] });
        firm.call("undo_change", undone).await;
        assert_eq!(firm.only("activities_due").await["id"], id);

        // Dismissed, and then put off: it is another matter when it is due again.
        firm.call("acknowledge_suggestion", no.clone()).await;
        firm.pass(1).await;
        firm.is_quiet("activities_due").await;
        let later = json!({ "activity": call["id"], "due_at": "2026-01-17" });
        firm.call("update_activity", later).await;
        firm.is_quiet("activities_due").await;
        let error = firm
            .app
            .error(&firm.owner, "acknowledge_suggestion", no.clone())
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("suggestion"))
        );
        firm.pass(2).await;
        assert_eq!(firm.only("activities_due").await["id"], id);

        // An answer goes with the record that it is about.
        firm.call("acknowledge_suggestion", no).await;
        let gone = json!({ "activity": call["id"], "confirm": true });
        firm.call("delete_activity", gone).await;
        let all = firm.call("get_ai_suggestions", json!({})).await;
        assert_eq!(
            all["answered"],
            json!({ "acknowledged": 0, "dismissed": 0 })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_they_may_not_read_or_of_others() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let due = json!({ "type": "call", "subject": "Call Bob", "due_at": "2026-01-14" });
        firm.call("create_activity", due).await;
        let new = json!({ "name": "Roof", "expected_close": "2026-01-10" });
        firm.call("create_deal", new).await;
        let id = firm.only("activities_due").await["id"].clone();

        let narrow = firm.app.limited(
            &firm.owner,
            &["read_knowledge_base", "read_deals", "create_notes"],
        );
        let answer = firm
            .app
            .data(&narrow, "get_ai_suggestions", json!({}))
            .await;
        let rules: Vec<&Value> = answer["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| &rule["rule"])
            .collect();
        assert_eq!(rules, ["deals_past_close"]);
        assert_eq!(answer["suggestions"][0]["about"]["name"], "Roof");
        assert_eq!(
            answer["suggestions"][0].get("call"),
            None,
            "it may not add activities"
        );
        let hidden = answer["not_looked_for"].as_array().unwrap();
        assert!(
            hidden.contains(&json!("activities_due")) && hidden.contains(&json!("silent_deals"))
        );
        let error = firm
            .app
            .error(
                &narrow,
                "get_ai_suggestions",
                json!({ "rule": "activities_due" }),
            )
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("rule"))
        );
        let error = firm
            .app
            .error(
                &narrow,
                "acknowledge_suggestion",
                json!({ "suggestion": id }),
            )
            .await;
        assert_eq!(error.code(), Code::NotFound);
        // Who may read it may answer it.
        let taken = json!({ "suggestion": answer["suggestions"][0]["id"] });
        firm.app
            .data(&narrow, "acknowledge_suggestion", taken.clone())
            .await;
        let reader = narrow.clone().narrow(None, true).unwrap();
        let error = firm
            .app
            .error(&reader, "acknowledge_suggestion", taken)
            .await;
        assert_eq!(error.code(), Code::ReadOnly, "{error:?}");

        let other = firm.app.tenant("other").await;
        let answer = firm.app.data(&other, "get_ai_suggestions", json!({})).await;
        assert_eq!(answer.get("suggestions"), None);
        let error = firm
            .app
            .error(
                &other,
                "acknowledge_suggestion",
                json!({ "suggestion": id }),
            )
            .await;
        assert_eq!(error.code(), Code::NotFound);

        for (wrong, field) in [
            (json!({ "rule": "deals_past_closing" }), "rule"),
            (json!({ "rule": ["silent_deals", "nonsense"] }), "rule[1]"),
        ] {
            let error = firm
                .app
                .error(&firm.owner, "get_ai_suggestions", wrong.clone())
                .await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(field)),
                "{wrong}"
            );
        }
        for wrong in [
            "x",
            "activities_due",
            "activities_due:act_1",
            ":",
            "nothing:deal_x",
        ] {
            let wrong = json!({ "suggestion": wrong });
            let error = firm
                .app
                .error(&firm.owner, "acknowledge_suggestion", wrong.clone())
                .await;
            assert_eq!(error.field_name(), Some("suggestion"), "{wrong} {error:?}");
        }
    }
}
