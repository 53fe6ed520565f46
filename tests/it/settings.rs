//! What an owner arranges without a terminal: the firm, its taxes and numbers, its people, its attributes; and who may do that.

use bureau_kernel::admin::{self, NewKey, NewTeam, RateInfo};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::permission::Grants;
use bureau_kernel::replay::replay;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::{Value, json};

use crate::campaign::{sealed, whole_registry};

const IBAN: &str = "DE89370400440532013000";
const OTHER: &str = "GB82WEST12345698765432";

/// An app whose owner has noted nothing yet.
async fn empty(engine: Engine) -> (TestApp, Caller) {
    let app = TestApp::new(engine, bureau::MODULES).await;
    let owner = app.owner().await;
    (app, owner)
}

/// Someone who calls as this member, with every permission that their role allows; and the key.
async fn as_member(app: &TestApp, who: &str, role: Role) -> (Caller, String) {
    let known = app.dispatcher.registry().permissions();
    let allowed = known.iter().copied().filter(|name| role.allows_name(name));
    let new = NewKey {
        name: format!("{who}'s"),
        grants: Grants::parse(allowed, &known).unwrap(),
        workspaces: vec!["main".into()],
        member: Some(who.into()),
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    let store = &app.dispatcher.app().store;
    let (key, _) = admin::create_key(store, new).await.unwrap();
    (app.dispatcher.authenticate(&key, None).await.unwrap(), key)
}

/// The settings as a reader gets them.
async fn settings(app: &TestApp, caller: &Caller) -> Value {
    let all = json!({ "settings": true });
    app.data(caller, "get_workspace", all).await["settings"].clone()
}

/// How far the change log has come: the same where nothing was written.
async fn written(app: &TestApp) -> i64 {
    let count = sql("SELECT COUNT(*) AS count FROM change_log");
    app.rows(count).await[0].get("count").unwrap()
}

/// A call that fails with this code about this field; the error.
async fn refused(
    app: &TestApp,
    caller: &Caller,
    tool: &str,
    arguments: Value,
    (code, field): (Code, &str),
) -> Error {
    let mut confirmed = arguments.clone();
    confirmed["confirm"] = true.into();
    let before = written(app).await;
    let error = app.error(caller, tool, confirmed).await;
    assert_eq!(
        (error.code(), error.field_name().unwrap_or_default()),
        (code, field),
        "{tool} {arguments}: {error:?}"
    );
    assert!(error.hint_text().is_some(), "{tool} {arguments}: {error:?}");
    assert_eq!(written(app).await, before, "{tool} {arguments}");
    error
}

/// The database is as its log says, also where settings are concerned.
async fn sound(app: &TestApp) {
    let store = &app.dispatcher.app().store;
    sealed(store).await;
    let found = replay(store, whole_registry().records().all(), &())
        .await
        .unwrap();
    assert_eq!(found.problem(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firm_gets_ready_and_issues_an_invoice_by_tools_alone() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let company =
            json!({ "name": "Acme", "street": "High Street 1", "city": "Leeds", "country": "GB" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let lines =
            json!([{ "description": "Work", "unit_price": "100", "tax_category": "standard" }]);
        // What is missing is said with the tool that mends it.
        let draft = json!({ "company": company, "currency": "EUR", "lines": [{ "description": "Work", "unit_price": "100" }] });
        let error = app.error(&owner, "create_invoice", draft).await;
        assert!(
            error.hint_text().unwrap().contains("update_workspace"),
            "{error:?}"
        );
        let said = json!({
            "name": "Harbour & Vale", "time_zone": "Europe/Berlin", "country": "Germany",
            "seller": { "name": "Harbour & Vale GmbH", "street": "Kai 12", "postal_code": "20457", "city": "Hamburg",
                        "country": "Germany", "iban": "DE89 3704 0044 0532 0130 00" },
            "series": [{ "numbers": "invoices", "pattern": "R{year}/{number:3}", "first": 12 }],
        });
        // A person is asked, and told what for.
        let before = written(&app).await;
        let asked = app.error(&owner, "update_workspace", said.clone()).await;
        assert_eq!(asked.code(), Code::ConfirmationRequired);
        for part in [
            "set seller.iban to DE89370400440532013000",
            "time_zone from UTC to Europe/Berlin",
            "taxes.standard.percent",
        ] {
            assert!(
                asked.message().contains(part),
                "{part}: {}",
                asked.message()
            );
        }
        assert_eq!(written(&app).await, before);
        let answer = app.ok(&owner, "update_workspace", said).await;
        let now = &answer["data"]["settings"];
        assert_eq!(
            now["seller"]["missing"],
            json!(["vat_id or tax_number"]),
            "{answer}"
        );
        assert_eq!(now["seller"]["country"], "DE");
        assert_eq!(answer["data"]["country"], "DE");
        // A country's rates come with the country.
        let standard = |settings: &Value| {
            let taxes = settings["taxes"].as_array().unwrap().iter();
            taxes
                .clone()
                .find(|tax| tax["name"] == "standard")
                .cloned()
                .unwrap()
        };
        assert_eq!(
            standard(now)["percent"],
            "19.00".trim_end_matches(".00"),
            "{answer}"
        );
        assert_eq!(standard(now)["is_default"], true);
        let vat = json!({ "seller": { "vat_id": "DE 123 456 789" } });
        let answer = app.ok(&owner, "update_workspace", vat).await;
        assert_eq!(
            answer["data"]["settings"]["seller"].get("missing"),
            None,
            "{answer}"
        );
        assert_eq!(
            answer["data"]["settings"]["seller"]["iban"], IBAN,
            "what is left out stays"
        );
        assert_eq!(settings(&app, &owner).await, answer["data"]["settings"]);
        let draft = json!({ "company": company, "currency": "EUR", "lines": lines });
        let draft = app.data(&owner, "create_invoice", draft).await["id"].clone();
        let issued = app
            .data(&owner, "issue_invoice", json!({ "invoice": draft }))
            .await;
        let number = issued["number"].as_str().unwrap();
        assert!(
            number.ends_with("/012") && number.starts_with('R'),
            "{issued}"
        );
        assert_eq!(issued["gross_total"], "119.00", "{issued}");
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_iban_is_asked_about_changed_emptied_and_taken_back() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let set = json!({ "seller": { "iban": IBAN, "bank": "Harbour Bank" } });
        app.ok(&owner, "update_workspace", set).await;
        let other = json!({ "seller": { "iban": OTHER } });
        let asked = app.error(&owner, "update_workspace", other.clone()).await;
        let words = format!("change seller.iban from {IBAN} to {OTHER}");
        assert!(asked.message().contains(&words), "{}", asked.message());
        // The word counts for what was shown: another account noted meanwhile is asked about anew.
        let token = asked.detail_value("confirm_token").unwrap().clone();
        app.ok(
            &owner,
            "update_workspace",
            json!({ "seller": { "iban": "NO9386011117947" } }),
        )
        .await;
        let mut late = other.clone();
        late["confirm_token"] = token;
        let again = app.error(&owner, "update_workspace", late).await;
        assert!(
            again.message().contains("from NO9386011117947"),
            "{}",
            again.message()
        );
        // Tried only, it stays.
        let tried = json!({ "seller": { "iban": OTHER }, "dry_run": true });
        let tried = app.ok(&owner, "update_workspace", tried).await;
        assert_eq!(tried["data"]["settings"]["seller"]["iban"], OTHER);
        assert_eq!(
            settings(&app, &owner).await["seller"]["iban"],
            "NO9386011117947"
        );
        let changed = app.ok(&owner, "update_workspace", other).await["change"].clone();
        let undone = json!({ "change": changed });
        app.ok(&owner, "undo_change", undone).await;
        assert_eq!(
            settings(&app, &owner).await["seller"]["iban"],
            "NO9386011117947"
        );
        let cleared = json!({ "clear": ["iban"] });
        let cleared = app.ok(&owner, "update_workspace", cleared).await;
        let seller = &cleared["data"]["settings"]["seller"];
        assert_eq!(
            (seller.get("iban"), &seller["bank"]),
            (None, &json!("Harbour Bank"))
        );
        // The same again asks nobody and writes nothing.
        let before = written(&app).await;
        let same = json!({ "seller": { "bank": "Harbour Bank" } });
        assert!(matches!(
            app.outcome(&owner, "update_workspace", same).await,
            Outcome::Done(_)
        ));
        assert_eq!(written(&app).await, before);
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_itself_its_taxes_and_series_are_changed_and_taken_back() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let rate = RateInfo {
            currency: "CHF".into(),
            day: "2026-01-02".parse().unwrap(),
            rate: "0.94".into(),
            source: "by hand".into(),
        };
        let store = &app.dispatcher.app().store;
        admin::set_rate(store, "main", rate).await.unwrap();
        let before = settings(&app, &owner).await;
        let said = json!({
            "name": "Atelier", "time_zone": "America/New_York", "currency": "USD", "country": "US", "taxes_of": "FR",
            "taxes": [{ "name": "city", "percent": "8.875", "is_default": true },
                      { "name": "clubs", "percent": "0", "category": "E", "reason": "Section 501" },
                      { "name": "export", "remove": true }],
            "series": [{ "numbers": "credit notes", "pattern": "CN-{year}-{number:3}" }],
        });
        let answer = app.ok(&owner, "update_workspace", said).await;
        let first = answer["change"].clone();
        let data = &answer["data"];
        // What was worth so much in the currency before says nothing in the new one.
        let rates = sql("SELECT COUNT(*) AS count FROM exchange_rate");
        assert_eq!(
            app.rows(rates).await[0].get::<i64>("count").unwrap(),
            0,
            "{engine:?}"
        );
        assert_eq!(
            (
                &data["name"],
                &data["time_zone"],
                &data["currency"],
                &data["country"]
            ),
            (
                &json!("Atelier"),
                &json!("America/New_York"),
                &json!("USD"),
                &json!("US")
            )
        );
        let taxes = data["settings"]["taxes"].as_array().unwrap();
        let of = |name: &str| taxes.iter().find(|tax| tax["name"] == name);
        assert_eq!(of("city").unwrap()["is_default"], true, "{answer}");
        assert_eq!(of("standard").unwrap()["percent"], "20", "{answer}");
        assert_eq!(of("standard").unwrap()["is_default"], false, "{answer}");
        assert_eq!(of("clubs").unwrap()["reason"], "Section 501");
        assert!(of("export").is_none(), "{answer}");
        // Only what is said of a rate changes.
        let default = json!({ "taxes": [{ "name": "standard", "is_default": true }] });
        let answer = app.ok(&owner, "update_workspace", default).await;
        let undo = answer["change"].clone();
        app.ok(&owner, "undo_change", json!({ "change": undo }))
            .await;
        let owner = app.owner().await;
        let shown = app.data(&owner, "get_workspace", json!({})).await;
        assert_eq!(
            (&shown["name"], &shown["currency"]),
            (&json!("Atelier"), &json!("USD"))
        );
        // All of the first call is taken back at once, whichever module keeps it.
        app.ok(&owner, "undo_change", json!({ "change": first }))
            .await;
        let owner = app.owner().await;
        let shown = app
            .data(&owner, "get_workspace", json!({ "settings": true }))
            .await;
        assert_eq!(
            (
                &shown["name"],
                &shown["time_zone"],
                &shown["currency"],
                shown.get("country")
            ),
            (&json!("My firm"), &json!("UTC"), &json!("EUR"), None)
        );
        assert_eq!(shown["settings"], before);
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_added_changed_deactivated_and_restored() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let store = &app.dispatcher.app().store;
        let team = NewTeam {
            name: "Sales".into(),
            ..NewTeam::default()
        };
        admin::create_team(store, "main", team).await.unwrap();
        let new = json!({ "name": "Ada Lovelace", "email": "Ada@Firm.example", "role": "viewer", "team": "Sales" });
        let asked = app.error(&owner, "update_member", new.clone()).await;
        assert!(
            asked.message().contains("Ada Lovelace"),
            "{}",
            asked.message()
        );
        let added = app.ok(&owner, "update_member", new).await;
        let ada = &added["data"];
        assert_eq!(
            (&ada["email"], &ada["teams"][0]["name"]),
            (&json!("ada@firm.example"), &json!("Sales"))
        );
        // No secret passes through here, and what does instead is said.
        assert!(
            ada["access"]
                .as_str()
                .unwrap()
                .contains("bureau key create"),
            "{added}"
        );
        assert!(!added.to_string().contains("bureau_"), "{added}");
        let (caller, _) = as_member(&app, "Ada Lovelace", Role::Viewer).await;
        assert_eq!(
            app.error(&caller, "create_contact", json!({ "name": "X" }))
                .await
                .code(),
            Code::NotFound
        );
        let changed = json!({ "member": "ada@firm.example", "name": "Ada King", "title": "Analyst", "role": "member", "leave_team": "Sales" });
        let changed = app.ok(&owner, "update_member", changed).await;
        assert_eq!(
            (&changed["data"]["role"], changed["data"].get("teams")),
            (&json!("member"), None),
            "{changed}"
        );
        assert_eq!(changed["resolved"]["member"]["id"], ada["id"]);
        let (caller, key) = as_member(&app, "Ada King", Role::Member).await;
        let contact = app
            .data(
                &caller,
                "create_contact",
                json!({ "name": "X", "owner": "me" }),
            )
            .await;
        // Taken back, she only looks again, and is in her team.
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": changed["change"] }),
        )
        .await;
        let user = app
            .data(&owner, "get_user", json!({ "user": "Ada Lovelace" }))
            .await;
        assert_eq!(
            (&user["role"], &user["teams"][0]["name"], user.get("title")),
            (&json!("viewer"), &json!("Sales"), None)
        );
        // What she is responsible for passes on first.
        let gone = json!({ "member": "Ada Lovelace", "active": false });
        let held = refused(
            &app,
            &owner,
            "update_member",
            gone.clone(),
            (Code::Conflict, ""),
        )
        .await;
        assert!(
            held.hint_text().unwrap().contains("hand_over_to"),
            "{held:?}"
        );
        let mut gone = gone;
        gone["hand_over_to"] = "Owner".into();
        let gone = app.ok(&owner, "update_member", gone).await;
        assert_eq!(
            (&gone["data"]["active"], &gone["data"]["handed_over"]),
            (&json!(false), &json!(1)),
            "{gone}"
        );
        let of_owner = app
            .data(&owner, "get_contact", json!({ "contact": contact["id"] }))
            .await;
        assert_eq!(of_owner["owner"]["name"], "Owner");
        let lost = app.dispatcher.authenticate(&key, None).await;
        assert_eq!(
            lost.err().map(|error| error.code()),
            Some(Code::Unauthorized)
        );
        let again = refused(
            &app,
            &owner,
            "update_member",
            json!({ "member": "Ada Lovelace", "title": "X" }),
            (Code::Conflict, "member"),
        )
        .await;
        assert!(
            again.hint_text().unwrap().contains("active: true"),
            "{again:?}"
        );
        let back = app
            .ok(
                &owner,
                "update_member",
                json!({ "member": "Ada Lovelace", "active": true }),
            )
            .await;
        assert_eq!(
            (&back["data"]["id"], &back["data"]["active"]),
            (&ada["id"], &json!(true))
        );
        app.ok(&owner, "undo_change", json!({ "change": back["change"] }))
            .await;
        app.ok(&owner, "undo_change", json!({ "change": gone["change"] }))
            .await;
        let user = app
            .data(&owner, "get_user", json!({ "user": "Ada Lovelace" }))
            .await;
        assert_eq!(user["teams"][0]["name"], "Sales");
        let hers = app
            .data(&owner, "get_contact", json!({ "contact": contact["id"] }))
            .await;
        assert_eq!(
            hers["owner"]["name"], "Ada Lovelace",
            "what passed on came back with her"
        );
        // The log says who did it, with which tool.
        let log = json!({ "record_type": "member", "tool": "update_member" });
        let log = app.data(&owner, "get_audit_log", log).await;
        assert!(log.as_array().unwrap().len() >= 4, "{log}");
        assert_eq!(log[0]["actor"]["member"]["name"], "Owner", "{log}");
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_what_they_do_not_have_nor_lifts_themselves() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        for (name, role) in [("Alan", "admin"), ("Mona", "member")] {
            app.ok(
                &owner,
                "update_member",
                json!({ "name": name, "role": role }),
            )
            .await;
        }
        let (admin, _) = as_member(&app, "Alan", Role::Admin).await;
        let forbidden = |field| (Code::Forbidden, field);
        let tool = "update_member";
        for (what, field) in [
            (json!({ "member": "me", "role": "owner" }), "role"),
            (json!({ "member": "Mona", "role": "owner" }), "role"),
            (json!({ "name": "New", "role": "owner" }), "role"),
            (json!({ "member": "Owner", "role": "viewer" }), "member"),
            (json!({ "member": "Owner", "name": "Nobody" }), "member"),
            (json!({ "member": "Owner", "active": false }), "member"),
        ] {
            refused(&app, &admin, tool, what, forbidden(field)).await;
        }
        // What was taken away by an owner is not given back by an undo of somebody else.
        let lowered = json!({ "member": "Mona", "role": "owner" });
        app.ok(&owner, tool, lowered).await;
        let lowered = app
            .ok(&owner, tool, json!({ "member": "Mona", "role": "member" }))
            .await;
        refused(
            &app,
            &admin,
            "undo_change",
            json!({ "change": lowered["change"] }),
            forbidden("role"),
        )
        .await;
        // A member does not arrange anything, whatever the key says; nor does a key that may little hand out much.
        let (member, _) = as_member(&app, "Mona", Role::Member).await;
        let unknown = app.error(&member, tool, json!({ "name": "New" })).await;
        assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");
        let limited = app.limited(&owner, &["manage_workspace", "read_contacts"]);
        let given = refused(
            &app,
            &limited,
            tool,
            json!({ "name": "New", "role": "viewer" }),
            forbidden("role"),
        )
        .await;
        assert!(given.detail_value("permission").is_some(), "{given:?}");
        app.ok(&limited, tool, json!({ "member": "Mona", "title": "Boss" }))
            .await;
        // Somebody stays who answers for it.
        let last = json!({ "member": "Owner", "role": "admin" });
        refused(&app, &owner, tool, last, (Code::Conflict, "role")).await;
        let last = json!({ "member": "Owner", "active": false });
        refused(&app, &owner, tool, last, (Code::Conflict, "role")).await;
        // Seller, taxes and numbers take what they take elsewhere too.
        let settles = app.limited(&owner, &["manage_workspace"]);
        let iban = json!({ "seller": { "iban": IBAN } });
        let error = app.error(&settles, "update_workspace", iban).await;
        assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_is_of_use_at_once_and_is_removed_where_no_record_has_it() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let tool = "define_attribute";
        let defined = json!({ "record_type": "contacts", "name": "shoe_size", "type": "number", "about": "European" });
        let defined = app.ok(&owner, tool, defined).await;
        assert_eq!(defined["data"]["record_type"], "contact");
        let sized = json!({ "name": "Ada", "attributes": { "shoe_size": 38 } });
        let ada = app.data(&owner, "create_contact", sized).await;
        assert_eq!(ada["attributes"]["shoe_size"], 38);
        let meaning =
            json!({ "record_type": "contact", "name": "shoe_size", "about": "In Paris points" });
        let reworded = app.ok(&owner, tool, meaning).await;
        assert_eq!(
            (&reworded["data"]["type"], &reworded["data"]["about"]),
            (&json!("number"), &json!("In Paris points"))
        );
        assert_eq!(
            settings(&app, &owner).await["attributes"][0]["about"],
            "In Paris points"
        );
        let text = json!({ "record_type": "contact", "name": "shoe_size", "type": "text" });
        refused(&app, &owner, tool, text, (Code::Conflict, "type")).await;
        let remove = json!({ "record_type": "contact", "name": "shoe_size", "remove": true });
        refused(&app, &owner, tool, remove.clone(), (Code::Conflict, "name")).await;
        // Its definition does not go by an undo either, as long as it is in use.
        let change = json!({ "change": defined["change"] });
        let error = app.error(&owner, "undo_change", change).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": reworded["change"] }),
        )
        .await;
        assert_eq!(
            settings(&app, &owner).await["attributes"][0]["about"],
            "European"
        );
        // A name of the same letters but for the line is another one.
        app.ok(
            &owner,
            tool,
            json!({ "record_type": "contact", "name": "shoexsize" }),
        )
        .await;
        app.ok(
            &owner,
            tool,
            json!({ "record_type": "contact", "name": "shoexsize", "remove": true }),
        )
        .await;
        let bare = json!({ "contact": ada["id"], "clear": ["attributes.shoe_size"] });
        app.ok(&owner, "update_contact", bare).await;
        let removed = app.ok(&owner, tool, remove.clone()).await;
        assert_eq!(removed["data"]["removed"], true);
        let sized = json!({ "contact": ada["id"], "attributes": { "shoe_size": 39 } });
        let error = app.error(&owner, "update_contact", sized.clone()).await;
        assert!(error.hint_text().unwrap().contains(tool), "{error:?}");
        refused(&app, &owner, tool, remove, (Code::NotFound, "remove")).await;
        sound(&app).await;
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": removed["change"] }),
        )
        .await;
        app.ok(&owner, "update_contact", sized).await;
        sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_with_what_is_meant_all_at_once() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let validation = |field| (Code::Validation, field);
        for (tool, what, at) in [
            (
                "update_workspace",
                json!({ "time_zone": "Berlin" }),
                validation("time_zone"),
            ),
            (
                "update_workspace",
                json!({ "country": "Atlantis" }),
                validation("country"),
            ),
            (
                "update_workspace",
                json!({ "seller": { "iban": "DE89370400440532013001" } }),
                validation("seller.iban"),
            ),
            (
                "update_workspace",
                json!({ "seller": { "country": "Atlantis" } }),
                validation("seller.country"),
            ),
            (
                "update_workspace",
                json!({ "seller": { "language": "tlh" } }),
                validation("seller.language"),
            ),
            (
                "update_workspace",
                json!({ "seller": { "ibn": IBAN } }),
                validation("seller.ibn"),
            ),
            (
                "update_workspace",
                json!({ "taxes_of": "Fiji" }),
                validation("taxes_of"),
            ),
            (
                "update_workspace",
                json!({ "taxes": [{ "name": "new" }] }),
                validation("taxes[0].percent"),
            ),
            (
                "update_workspace",
                json!({ "taxes": [{ "name": "new", "percent": "0" }] }),
                validation("taxes[0].category"),
            ),
            (
                "update_workspace",
                json!({ "taxes": [{ "name": "exmpt", "remove": true }] }),
                (Code::NotFound, "taxes[0]"),
            ),
            (
                "update_workspace",
                json!({ "series": [{ "numbers": "invoice" }] }),
                validation("series[0].numbers"),
            ),
            (
                "update_workspace",
                json!({ "series": [{ "numbers": "invoices", "pattern": "INV" }] }),
                validation("series[0].pattern"),
            ),
            (
                "update_member",
                json!({ "name": "New", "role": "boss" }),
                validation("role"),
            ),
            (
                "update_member",
                json!({ "email": "new@firm.example" }),
                validation("name"),
            ),
            (
                "update_member",
                json!({ "member": "Nobody", "title": "X" }),
                (Code::NotFound, "member"),
            ),
            (
                "update_member",
                json!({ "member": "me", "hand_over_to": "Owner" }),
                validation("hand_over_to"),
            ),
            (
                "define_attribute",
                json!({ "record_type": "contct", "name": "size" }),
                validation("record_type"),
            ),
        ] {
            let error = refused_or_plain(&app, &owner, tool, what.clone(), at).await;
            assert!(!error.message().is_empty());
        }
        let zone = app
            .error(&owner, "update_workspace", json!({ "time_zone": "Berlin" }))
            .await;
        assert_eq!(zone.hint_text(), Some("Did you mean Europe/Berlin?"));
        let many = json!({
            "time_zone": "Berlin", "currency": "XYZ1",
            "seller": { "iban": "DE00", "bic": "X", "country": "Atlantis" },
            "taxes": [{ "name": "new" }],
        });
        let error = app.error(&owner, "update_workspace", many).await;
        let also = error
            .detail_value("also_wrong")
            .unwrap()
            .as_array()
            .unwrap()
            .iter();
        let mut fields: Vec<&str> = also.filter_map(|one| one["field"].as_str()).collect();
        fields.extend(error.field_name());
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "currency",
                "seller.bic",
                "seller.country",
                "seller.iban",
                "taxes[0].percent",
                "time_zone"
            ]
        );
        app.ok(
            &owner,
            "update_member",
            json!({ "name": "Ada", "email": "ada@firm.example" }),
        )
        .await;
        let twice = json!({ "name": "Eve", "email": "ADA@firm.example" });
        let twice = app.error(&owner, "update_member", twice).await;
        assert_eq!(
            (twice.code(), twice.field_name()),
            (Code::Conflict, Some("email")),
            "{twice:?}"
        );
        sound(&app).await;
    }
}

/// [`refused`] of a call whose error may say all in its message.
async fn refused_or_plain(
    app: &TestApp,
    caller: &Caller,
    tool: &str,
    arguments: Value,
    (code, field): (Code, &str),
) -> Error {
    let before = written(app).await;
    let error = app.error(caller, tool, arguments.clone()).await;
    assert_eq!(
        (error.code(), error.field_name().unwrap_or_default()),
        (code, field),
        "{tool} {arguments}: {error:?}"
    );
    assert_eq!(written(app).await, before, "{tool} {arguments}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_refused_to_readers_and_end_at_the_workspace() {
    for engine in ENGINES {
        let (app, owner) = empty(engine).await;
        let other = app.tenant("other").await;
        let untouched = settings(&app, &other).await;
        for (tool, what) in [
            (
                "update_workspace",
                json!({ "name": "X", "seller": { "iban": IBAN } }),
            ),
            ("update_member", json!({ "name": "X" })),
            (
                "define_attribute",
                json!({ "record_type": "contact", "name": "x" }),
            ),
        ] {
            let reader = owner.clone().narrow(None, true).unwrap();
            let error = app.error(&reader, tool, what.clone()).await;
            assert_eq!(error.code(), Code::ReadOnly, "{tool}: {error:?}");
            app.ok(&owner, tool, what).await;
        }
        assert_eq!(settings(&app, &other).await, untouched);
        let there = app.data(&other, "list_team_members", json!({})).await;
        assert!(!there.to_string().contains("\"X\""), "{there}");
        let member = app.data(&owner, "get_user", json!({ "user": "X" })).await["id"].clone();
        let theirs = json!({ "member": member, "title": "Thief", "confirm": true });
        let error = app.error(&other, "update_member", theirs).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        let theirs = json!({ "name": "X", "attributes": { "x": "1" } });
        let error = app.error(&other, "create_contact", theirs).await;
        assert_eq!(error.code(), Code::Validation, "{error:?}");
        // Who may read no invoices is not shown what stands on them.
        let blind = app.limited(&owner, &["read_workspace"]);
        let seen = settings(&app, &blind).await;
        assert!(
            !seen.to_string().contains(IBAN) && seen.get("taxes").is_none(),
            "{seen}"
        );
        sound(&app).await;
    }
}
