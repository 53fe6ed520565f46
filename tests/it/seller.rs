//! What an owner arranges before the first invoice, and the documents that come of it: the program itself, run.

use bureau_kernel::caller::Caller;
use bureau_kernel::testing::TestApp;
use bureau_kernel::types::schema;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::cli::Home;

/// A picture of one point.
pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0,
    0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Gives the seller of a workspace a logo, which no tool does.
pub(crate) async fn set_logo(app: &TestApp, caller: &Caller) {
    let batch = app.dispatcher.batch(caller, "test").await.unwrap();
    let logo = schema::parse_at("", json!({ "logo": BASE64.encode(PNG) })).unwrap();
    let set = async |cx: &mut _| bureau_billing::set_seller(cx, &logo, &[]).await;
    app.dispatcher.app().run_in(&batch, set).await.unwrap();
}

fn seller(home: &Home) -> Value {
    home.say("workspace seller --json").json()
}

/// A workspace that may issue invoices.
fn noted(home: &Home) {
    home.run([
        "workspace",
        "seller",
        "--name=Hafen & Söhne GmbH",
        "--street=Kai 1",
        "--postal-code=20457",
        "--city=Hamburg",
        "--country=Germany",
        "--vat-id=DE 123 456 789",
    ])
    .done();
}

/// An invoice that is issued: its id and number.
fn issued(home: &Home) -> (String, String) {
    let company = json!({"name": "Acme", "on_duplicate": "create", "street": "High Street 1", "city": "Leeds", "country": "GB"});
    let company = home.call("create_company", &company, &[]).json();
    let draft = json!({
        "company": company["data"]["id"], "currency": "EUR",
        "lines": [{"description": "Work", "unit_price": "100", "tax_rate": "19"}],
    });
    let draft = home.call("create_invoice", &draft, &[]).json();
    let id = draft["data"]["id"].as_str().unwrap().to_owned();
    let issue = json!({"invoice": id, "confirm": true});
    let issued = home.call("issue_invoice", &issue, &[]).json();
    let number = issued["data"]["number"].as_str().unwrap().to_owned();
    (id, number)
}

#[test]
fn the_seller_is_noted_in_parts_shown_emptied_and_taken_back() {
    let home = Home::new();
    let out = home.say("workspace seller").done();
    assert!(out.contains("No invoice can be issued yet"), "{out}");
    noted(&home);
    let logo = home.file("logo.png", PNG);
    let answer = home
        .say(&format!(
            "workspace seller --iban DE89370400440532013000 --terms net14 --logo {logo} --json"
        ))
        .json();
    assert_eq!(answer["name"], "Hafen & Söhne GmbH");
    assert_eq!(
        (&answer["country"], &answer["vat_id"]),
        (&json!("DE"), &json!("DE123456789"))
    );
    assert_eq!(answer["terms"], "net 14");
    assert_eq!(answer["logo"], "a picture of about 1 KiB");
    assert_eq!(answer["missing"], json!([]));
    let out = home
        .say("workspace seller --clear iban --clear postal-code")
        .done();
    assert!(!out.contains("20457") && out.contains("Hamburg"), "{out}");
    let change = out.trim_end().rsplit(' ').next().unwrap();
    home.say(&format!("undo {change}")).json();
    assert_eq!(seller(&home)["postal_code"], "20457");
    assert_eq!(seller(&home)["iban"], "DE89370400440532013000");
    // Saying the same again writes nothing.
    let same = home.say("workspace seller --city Hamburg --json").json();
    assert_eq!(same["change"], Value::Null);
    let out = home.say("workspace seller --city Hamburg").done();
    assert!(out.ends_with("Nothing was changed.\n"), "{out}");
}

#[test]
fn what_is_wrong_with_the_sellers_details_is_named_and_nothing_is_written() {
    let home = Home::new();
    let before = seller(&home);
    let text = home.file("logo.txt", "no picture");
    let large = home.file("large.png", vec![0; 300_001]);
    for (line, said) in [
        ("--street A --iban DE89370400440532013001", "iban"),
        ("--street A --country Atlantis", "country"),
        ("--street A --terms soon", "terms"),
        ("--street A --clear nothing", "clear"),
        ("--street A --email nobody", "email"),
        (&format!("--street A --logo {text}"), "logo"),
        (&format!("--street A --logo {large}"), "300000 bytes"),
        ("--street A --logo /no/such/file", "/no/such/file"),
    ] {
        let end = home.say(&format!("workspace seller {line}"));
        assert_eq!(end.code, 2, "{line}: {}", end.err);
        assert!(
            end.err.contains(said) && end.out.is_empty(),
            "{line}: {}",
            end.err
        );
    }
    assert_eq!(seller(&home), before);
    let end = home.say("workspace seller --street A --read-only");
    assert_eq!(end.code, 1);
    assert!(end.err.contains("read-only"), "{}", end.err);
    assert_eq!(seller(&home), before);
}

#[test]
fn the_country_brings_its_taxes_once_and_the_owner_is_told_to_check_them() {
    let home = Home::new();
    let rates = |home: &Home| home.say("workspace tax list --json").json();
    let names = |rates: &Value| -> Vec<(String, String)> {
        let text = |rate: &Value, field: &str| rate[field].as_str().unwrap().to_owned();
        let rates = rates.as_array().unwrap().iter();
        rates
            .filter(|rate| rate["category"] == "S")
            .map(|rate| (text(rate, "name"), text(rate, "percent")))
            .collect()
    };
    assert_eq!(names(&rates(&home)), []);
    let out = home.say("workspace seller --country FR").done();
    assert!(
        out.contains("standard 20%, reduced 5.5%") && out.contains("answer for them"),
        "{out}"
    );
    let standard = rates(&home);
    let standard = standard
        .as_array()
        .unwrap()
        .iter()
        .find(|rate| rate["name"] == "standard");
    assert_eq!(standard.unwrap()["is_default"], true);
    let before = rates(&home);
    let out = home.say("workspace seller --country DE").done();
    assert!(!out.contains("were added"), "{out}");
    assert_eq!(rates(&home), before);
}

#[test]
fn taxes_are_added_changed_and_removed_and_one_of_them_is_the_default() {
    let home = Home::new();
    let rate = |name: &str| {
        let rates = home.say("workspace tax list --json").json();
        let rates = rates.as_array().unwrap().iter();
        rates
            .filter(|rate| rate["name"] == name)
            .cloned()
            .collect::<Vec<_>>()
    };
    home.say("workspace tax set normal 21% --default").done();
    home.say("workspace tax set low 9 --default").done();
    assert_eq!(rate("normal")[0]["is_default"], false);
    assert_eq!(rate("low")[0]["is_default"], true);
    // The same name, however it is written, is the same rate.
    home.say("workspace tax set LOW 8.5").done();
    assert_eq!(rate("low"), Vec::<Value>::new());
    assert_eq!(
        (&rate("LOW")[0]["percent"], &rate("LOW")[0]["is_default"]),
        (&json!("8.5"), &json!(true))
    );
    home.run([
        "workspace",
        "tax",
        "set",
        "health",
        "0",
        "--category",
        "e",
        "--reason",
        "Article 132(1)(c)",
        "--reason-code",
        "VATEX-EU-132-1C",
    ])
    .done();
    // A category and a reason that are there stay where only the percent is said.
    home.say("workspace tax set health 0").done();
    assert_eq!(rate("health")[0]["reason"], "Article 132(1)(c)");
    assert_eq!(rate("health")[0]["reason_code"], "VATEX-EU-132-1C");
    for (line, said) in [
        ("set odd 0", "category"),
        ("set odd 0 --category E", "why no tax is due"),
        ("set odd 5 --category Z", "rate above zero"),
        ("set odd 101", "percent"),
        ("set odd nineteen", "percent"),
        ("set odd 5 --category Q", "category"),
    ] {
        let end = home.say(&format!("workspace tax {line}"));
        assert_eq!(end.code, 2, "{line}: {}", end.err);
        assert!(end.err.contains(said), "{line}: {}", end.err);
    }
    assert_eq!(rate("odd"), Vec::<Value>::new());
    let end = home.say("workspace tax remove norml");
    assert!(end.code == 1 && end.err.contains("normal"), "{}", end.err);
    let removed = home.say("workspace tax remove LOW --json").json();
    assert_eq!(rate("LOW"), Vec::<Value>::new());
    let change = removed["change"].as_str().unwrap();
    home.say(&format!("undo {change}")).json();
    assert_eq!(rate("LOW").len(), 1);
}

#[test]
fn a_series_goes_on_from_its_numbers_and_never_comes_to_one_that_is_there() {
    let home = Home::new();
    noted(&home);
    let set = |line: &str| home.say(&format!("workspace series set invoices {line}"));
    let next = |home: &Home| {
        let all = home.say("workspace series list --json").json();
        let all = all.as_array().unwrap().iter();
        let mut mine = all.filter(|one| one["series"]["numbers"] == "invoices");
        mine.next().unwrap()["next"].as_str().unwrap().to_owned()
    };
    // Before the first number, the first one counts.
    let answer = set("INV-{year}-{number:4} --first 41 --json").json();
    assert_eq!(answer["next"], next(&home));
    let (_, number) = issued(&home);
    let year = number.split('-').nth(1).unwrap().to_owned();
    assert_eq!(number, format!("INV-{year}-0041"));
    // After it, the series goes on, however it looks.
    let out = set("R{number}/{year} --first 7").done();
    assert!(
        out.contains(&format!("R42/{year}")) && out.contains("--first counts from the next one on"),
        "{out}"
    );
    assert_eq!(issued(&home).1, format!("R42/{year}"));
    set("INV-{year}-{number:4}").done();
    assert_eq!(next(&home), format!("INV-{year}-0043"));
    // Counted anew over all years, it would come to 41 again.
    let end = set("INV-{year}-{number:4} --yearly false --first 1");
    assert_eq!(end.code, 1, "{}", end.err);
    assert!(end.err.contains(&format!("INV-{year}-0041")), "{}", end.err);
    let end = set("inv-{year}-{number:4} --yearly false --first 40");
    assert_eq!(end.code, 1, "{}", end.err);
    assert_eq!(next(&home), format!("INV-{year}-0043"));
    set("INV-{year}-{number:4} --yearly false --first 42").done();
    assert_eq!(issued(&home).1, format!("INV-{year}-0042"));
    // Two kinds that are found by their numbers do not look alike.
    let end = home.say("workspace series set credit-notes inv-{year}-{number:6}");
    assert!(
        end.code == 1 && end.err.contains("look alike"),
        "{}",
        end.err
    );
    home.say("workspace series set quotations INV-{year}-{number:6}")
        .done();
    for bad in [
        "INV",
        "{number}{number}",
        "{number} --yearly true",
        "{number:0}",
        "{number} --first 0",
    ] {
        let end = set(bad);
        assert_eq!(end.code, 2, "{bad}: {}", end.err);
    }
}

#[test]
fn taking_a_change_of_a_series_back_does_not_bring_a_number_back() {
    let home = Home::new();
    noted(&home);
    let change = |line: &str| {
        let answer = home
            .say(&format!("workspace series set invoices {line} --json"))
            .json();
        answer["change"].as_str().unwrap().to_owned()
    };
    let anew = change("INV-{year}-{number:4} --yearly false");
    let (_, first) = issued(&home);
    home.say(&format!("undo {anew}")).json();
    let company = home
        .call("create_company", &json!({"name": "Again"}), &[])
        .json();
    let draft = json!({
        "company": company["data"]["id"], "currency": "EUR",
        "lines": [{"description": "Work", "unit_price": "100", "tax_rate": "19"}],
    });
    let draft = home.call("create_invoice", &draft, &[]).json();
    let issue = json!({"invoice": draft["data"]["id"], "confirm": true});
    let end = home.call("issue_invoice", &issue, &[]);
    assert_eq!(end.code, 1);
    assert!(
        end.err.contains("CONFLICT") && end.err.contains(&first),
        "{}",
        end.err
    );
}

#[test]
fn a_document_is_written_by_id_or_number_in_each_form_and_replaces_nothing() {
    let home = Home::new();
    noted(&home);
    let (id, number) = issued(&home);
    let folder = home.file("x", "");
    let folder = std::path::Path::new(&folder).parent().unwrap();
    for (name, format, begins) in [
        (&id, "pdf", "%PDF-"),
        (&number, "facturx", "%PDF-"),
        (&id, "ubl", "<?xml"),
        (&number, "cii", "<?xml"),
    ] {
        let file = folder.join(format);
        let end = home.run([
            "document",
            name,
            "--format",
            format,
            "-o",
            file.to_str().unwrap(),
        ]);
        assert!(end.done().contains("is written"));
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes.starts_with(begins.as_bytes()), "{format}");
        let mut out = home.command(["document", name, "--format", format, "-o", "-"]);
        let out = out.output().unwrap();
        assert!(
            out.status.success() && out.stdout.starts_with(begins.as_bytes()),
            "{format}"
        );
    }
    let mut here = home.command(["document", &number, "--json"]);
    let here = here.current_dir(folder).output().unwrap();
    let answer: Value = serde_json::from_slice(&here.stdout).unwrap();
    assert_eq!(answer["file"], format!("{number}.pdf"));
    let path = folder.join(format!("{number}.pdf"));
    std::fs::write(&path, "mine").unwrap();
    let again = ["document", &number, "-o", path.to_str().unwrap()];
    let end = home.run(again);
    assert!(end.code == 1 && end.err.contains("--force"), "{}", end.err);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    home.run([&again[..], &["--force"]].concat()).done();
    assert!(std::fs::read(&path).unwrap().starts_with(b"%PDF-"));
    for nothing in ["INV-1", "inv_0000000000000", "quo_0000000000000"] {
        let end = home.run(["document", nothing]);
        assert!(
            end.code == 1 && end.err.contains("invoice or quotation"),
            "{}",
            end.err
        );
    }
}

#[test]
fn a_key_that_may_not_read_invoices_gets_no_document() {
    let home = Home::new();
    noted(&home);
    let (id, _) = issued(&home);
    for (permission, code) in [("read_contacts", 1), ("read_invoices", 0)] {
        let key = home
            .say(&format!(
                "key create --name {permission} --permissions {permission} --json"
            ))
            .json();
        let key = key["key"].as_str().unwrap();
        let end = home.run([
            "document",
            &id,
            "-o",
            "-",
            "--format",
            "ubl",
            "--api-key",
            key,
        ]);
        assert_eq!(end.code, code, "{permission}: {}", end.err);
        assert_eq!(end.out.is_empty(), code == 1);
    }
}
