//! Records by what people call them: where an identifier is wanted, a name, a number, an article number or an address does
//! as well, if exactly one record is called so.
//!
//! Every parameter that is an [`Id`] or an [`AnyId`](crate::types::id::AnyId) says so in its tool's schema, so this holds of all
//! of them; where records of any kind may be meant, it is looked for among all kinds that the caller may read. A text
//! that is no identifier is looked up after the call's receipt and before its arguments become the tool's input, among the
//! live records of that kind, and only for a caller who may read them. Whoever may not is told that an identifier is needed,
//! whatever is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value as Data, json};

use crate::caller::{Member, Team};
use crate::error::{Code, Error, Result};
use crate::kinds::KINDS;
use crate::record::{AnyRecord, CalledBy, Cx, Record, Records, Saved};
use crate::search::{Found, Query, Words};
use crate::store::{Column as _, Row, Value, sql};
use crate::types::id::{Entity as _, Id, decode};
use crate::types::schema::{ANY_RECORD, each_record};
use crate::types::text::{self, folded, quoted, visible};
use crate::types::words::without_legal_form;

/// The one of these records that is meant by its identifier, or by its label in any case. Errors name the field that is called
/// like such a record.
///
/// # Errors
/// [`Code::NotFound`] with the nearest label, or with all of them.
pub fn one_of<'a, R: Record>(records: &'a [Saved<R>], called: &str) -> Result<&'a Saved<R>> {
    let id = called.parse::<Id<R>>().ok();
    let is_it =
        |saved: &&Saved<R>| Some(saved.id) == id || folded(&saved.label()) == folded(called);
    if let Some(found) = records.iter().find(is_it) {
        return Ok(found);
    }
    let noun = R::NOUN;
    let labels: Vec<String> = records.iter().map(|saved| saved.label()).collect();
    let labels = labels.iter().map(String::as_str);
    let error = Error::new(Code::NotFound, format!("There is no such {noun} here.")).field(noun);
    Err(match text::nearest(called, labels.clone()) {
        Some(meant) => error.hint(format!("Did you mean {}?", quoted(meant))),
        None => {
            let known: Vec<String> = labels.take(20).map(quoted).collect();
            error.hint(format!("There are: {}.", known.join(", ")))
        }
    })
}

/// A text in a call's arguments that names a record.
pub(crate) struct Name {
    /// Where it stands, as a JSON pointer.
    pointer: String,
    table: String,
    text: String,
    /// Where it is an identifier after all, of a record that may be merged into another one.
    id: Option<i64>,
}

/// Characters of the longest thing that a record is called, and more.
const LONGEST: usize = 320;
/// Different names that are looked up for one call.
const MOST: usize = 500;
/// Records that are listed where several are called so.
const LISTED: usize = 5;
/// So many of a kind are compared with a name that none of them has; of more the search index is asked.
const COMPARED: i64 = 200;
/// Names that are suggested.
const SUGGESTED: usize = 3;
/// Rows that are read for one statement's names.
const ROWS: i64 = 10_000;

/// Where the arguments name records by something else than their identifiers, or by one that may mean another record by now. What
/// has the form of an identifier, of whichever kind, is read as one.
pub(crate) fn names(records: &Records, form: &Map<String, Data>, arguments: &Data) -> Vec<Name> {
    let mut names = Vec::new();
    each_record(form, arguments, &mut |place| {
        // A name has no characters that nobody sees, and an engine may refuse some of them.
        let text = visible(place.text);
        let text = text.trim();
        let known = |prefix: &str| {
            let mut kinds = records.kinds();
            kinds.find(|(_, known)| known.eq_ignore_ascii_case(prefix))
        };
        // One of this kind that lost a digit is no name either.
        let begins_like_one = || {
            let (prefix, rest) = text.split_once('_')?;
            let is_of_kind =
                known(prefix).is_some_and(|(table, _)| [table, ANY_RECORD].contains(&place.table));
            (is_of_kind && !rest.contains(' ')).then_some(())
        };
        // Where any kind may be meant, one of a kind that is unknown is an identifier too.
        let has_prefix = |prefix| known(prefix).is_some() || place.table == ANY_RECORD;
        let is_id = decode(text).is_some_and(|(prefix, _)| has_prefix(prefix))
            || begins_like_one().is_some();
        let merged = decode(text).and_then(|(prefix, id)| {
            let kind = records.record_with_prefix(prefix)?;
            kind.merged_into()?;
            let is_meant = [kind.table(), ANY_RECORD].contains(&place.table);
            is_meant.then_some((kind.table(), id))
        });
        if let Some((table, id)) = merged {
            names.push(Name {
                pointer: place.pointer.to_owned(),
                table: table.to_owned(),
                text: text.to_owned(),
                id: Some(id),
            });
        }
        let is_name = !text.is_empty() && text.chars().count() <= LONGEST && !is_id;
        if is_name && !Kind::all(records, place.table).is_empty() {
            names.push(Name {
                pointer: place.pointer.to_owned(),
                table: place.table.to_owned(),
                text: text.to_owned(),
                id: None,
            });
        }
    });
    names
}

/// A kind of record that people call something.
#[derive(Clone, Copy)]
enum Kind {
    Record(&'static dyn AnyRecord),
    Member,
    Team,
}

impl Kind {
    fn of(records: &Records, table: &str) -> Option<Self> {
        match table {
            Member::TABLE => Some(Self::Member),
            Team::TABLE => Some(Self::Team),
            table => {
                let record = records.record(table)?;
                record
                    .called()
                    .is_something()
                    .then_some(Self::Record(record))
            }
        }
    }

    /// Those of which a record may be meant where the form names this table, or any.
    fn all(records: &Records, table: &str) -> Vec<Self> {
        if table != ANY_RECORD {
            return Self::of(records, table).into_iter().collect();
        }
        let all = records.all().iter();
        let all = all.filter(|record| !record.called().is_borrowed);
        let kinds = all.filter_map(|record| Self::of(records, record.table()));
        kinds.collect()
    }

    fn table(self) -> &'static str {
        match self {
            Self::Record(record) => record.table(),
            Self::Member => Member::TABLE,
            Self::Team => Team::TABLE,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Record(record) => record.noun(),
            Self::Member => Member::NOUN,
            Self::Team => Team::NOUN,
        }
    }

    fn found_with(self) -> &'static str {
        match self {
            Self::Record(record) => record.called().found_with,
            Self::Member => "list_team_members",
            Self::Team => "list_teams",
        }
    }

    async fn meant(self, cx: &mut Cx, texts: &[String]) -> Result<Vec<Vec<i64>>> {
        match self {
            Self::Record(record) => record.meant(cx, texts).await,
            Self::Member => members_meant(cx, texts).await,
            Self::Team => {
                let words: Vec<String> = texts.iter().map(|text| folded(text)).collect();
                let found = in_column(cx, Team::TABLE, "sort_name", &words).await?;
                Ok(words.iter().map(|word| take(&found, word)).collect())
            }
        }
    }

    /// What these are called.
    async fn labels(self, cx: &mut Cx, ids: &[i64]) -> Result<HashMap<i64, String>> {
        match self {
            Self::Record(record) => Ok(record.titles(cx, ids).await?.into_iter().collect()),
            Self::Member => labels_in::<Member>(cx, ids).await,
            Self::Team => labels_in::<Team>(cx, ids).await,
        }
    }

    /// Some that are called nearly so.
    async fn like(self, cx: &mut Cx, text: &str) -> Result<Vec<(i64, String)>> {
        let some = match self {
            Self::Record(record) => record.first(cx, COMPARED + 1).await?,
            Self::Member => first_of_kernel(cx, Member::TABLE).await?,
            Self::Team => first_of_kernel(cx, Team::TABLE).await?,
        };
        if i64::try_from(some.len()).unwrap_or(i64::MAX) <= COMPARED {
            return Ok(nearest(text, some));
        }
        let found = searched(cx, &[self], text).await?.into_iter();
        Ok(found.map(|(_, id, label)| (id, label)).collect())
    }
}

/// Some of these kinds that the search index finds by a text.
async fn searched(cx: &mut Cx, kinds: &[Kind], text: &str) -> Result<Vec<(Kind, i64, String)>> {
    let app = cx.app.clone();
    let Some(search) = &app.search else {
        return Ok(Vec::new());
    };
    let records = kinds.iter().filter_map(|kind| match kind {
        Kind::Record(record) => Some(*record),
        _ => None,
    });
    let readers = cx.searching(&records.collect::<Vec<_>>()).await?;
    let mut hits = Vec::new();
    for words in [Words::All, Words::Most] {
        let found = search.find_now(Query {
            workspace: cx.workspace().id.raw(),
            readers: readers.clone(),
            kinds: kinds.iter().map(|kind| kind.table()).collect(),
            text: text.to_owned(),
            filters: Vec::new(),
            limit: SUGGESTED,
            offset: 0,
            at_least: 0,
            words,
        });
        if let Found::Hits { hits: found, .. } = found.await
            && hits.is_empty()
        {
            hits = found;
        }
    }
    let kind_of = |table: &str| kinds.iter().find(|kind| kind.table() == table);
    let found = hits.iter();
    let found = found.filter_map(|hit| Some((*kind_of(hit.kind)?, hit.id)));
    labelled(cx, &found.collect::<Vec<_>>()).await
}

/// These records with what they are called, one statement for each kind.
async fn labelled(cx: &mut Cx, records: &[(Kind, i64)]) -> Result<Vec<(Kind, i64, String)>> {
    let mut by_kind: BTreeMap<&str, (Kind, Vec<i64>)> = BTreeMap::new();
    for (kind, id) in records {
        let of_kind = by_kind.entry(kind.table());
        let (_, ids) = of_kind.or_insert_with(|| (*kind, Vec::new()));
        ids.push(*id);
    }
    let mut labels = HashMap::new();
    for (table, (kind, ids)) in by_kind {
        let found = kind.labels(cx, &ids).await?.into_iter();
        labels.extend(found.map(|(id, label)| ((table, id), label)));
    }
    let named = records.iter();
    let named = named.filter_map(|(kind, id)| {
        let label = labels.get(&(kind.table(), *id))?;
        Some((*kind, *id, label.clone()))
    });
    Ok(named.collect())
}

/// Those that are called most nearly so, the nearest first: as a part of what they are called, or misspelled.
fn nearest(text: &str, some: Vec<(i64, String)>) -> Vec<(i64, String)> {
    let word = folded(text);
    let likeness = |label: &str| {
        let label = folded(label);
        if label.contains(&word) {
            1.0
        } else {
            strsim::jaro_winkler(&word, &label)
        }
    };
    let mut near: Vec<(f64, (i64, String))> = some
        .into_iter()
        .map(|(id, label)| (likeness(&label), (id, label)))
        .filter(|(likeness, _)| *likeness > 0.78)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let near = near.into_iter().take(SUGGESTED);
    near.map(|(_, found)| found).collect()
}

/// Puts the identifiers of the records that are named into the arguments, and says in the answer's `resolved` which ones these
/// are. What the caller may not read stays as it is: it is refused where it is read as an identifier. `offers` tells whether the
/// caller is offered a tool.
///
/// # Errors
/// [`Code::Validation`] naming the field, with up to five of those that are called so where there are several;
/// [`Code::NotFound`] where there is none, with what finds them.
pub(crate) async fn resolve(
    cx: &mut Cx,
    names: &[Name],
    arguments: &mut Data,
    offers: impl Fn(&str) -> bool,
) -> Result<()> {
    follow_merged(cx, names, arguments).await?;
    let mut texts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in names.iter().filter(|name| name.id.is_none()) {
        texts.entry(&name.table).or_default().insert(&name.text);
    }
    if texts.values().map(BTreeSet::len).sum::<usize>() > MOST {
        let mut called = names.iter().filter(|name| name.id.is_none());
        let field = called.nth(MOST).map(Name::field).unwrap_or_default();
        let message = format!("A call names {MOST} records at most by what they are called.");
        return Err(Error::invalid(field, message).hint("Give identifiers instead."));
    }
    let me = (Kind::Member, cx.caller().member.raw());
    let mut found: HashMap<(&str, &str), Vec<(Kind, i64)>> = HashMap::new();
    for (table, texts) in &texts {
        let asked: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        for kind in readable(cx, table) {
            let meant = kind.meant(cx, &asked).await?;
            for (text, ids) in texts.iter().zip(meant) {
                let found = found.entry((*table, *text)).or_default();
                found.extend(ids.into_iter().map(|id| (kind, id)));
            }
        }
    }
    let mut only: Vec<(Kind, i64)> = found
        .values()
        .filter_map(|found| match found.as_slice() {
            [only] => Some(*only),
            _ => None,
        })
        .collect();
    // Who they are themselves everybody knows, what they are called here not.
    let means_member = texts.contains_key(Member::TABLE) && cx.may_read(Member::TABLE);
    only.extend(means_member.then_some(me));
    let labels = labelled(cx, &only).await?;
    for name in names.iter().filter(|name| name.id.is_none()) {
        let is_me = name.table == Member::TABLE && name.text.eq_ignore_ascii_case("me");
        let meant = match found.get(&(name.table.as_str(), name.text.as_str())) {
            _ if is_me => std::slice::from_ref(&me),
            Some(meant) => meant.as_slice(),
            None => continue,
        };
        let [(kind, id)] = meant else {
            return Err(match meant {
                [] => unknown(cx, name, offers).await?,
                several => ambiguous(cx, name, several).await?,
            });
        };
        let mut labels = labels.iter();
        let label = labels.find(|(other, number, _)| other.table() == kind.table() && number == id);
        let label = label.map(|(.., label)| label);
        let id = cx.wire_id(kind.table(), *id);
        let resolved = json!({ "id": id, "name": label });
        cx.note_meant(name.field(), resolved);
        if let Some(place) = arguments.pointer_mut(&name.pointer) {
            *place = id.into();
        }
    }
    Ok(())
}

/// Puts the identifiers of those in place into which records were merged that the arguments still name.
async fn follow_merged(cx: &mut Cx, names: &[Name], arguments: &mut Data) -> Result<()> {
    let mut by_table: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for name in names {
        if let Some(id) = name.id {
            by_table.entry(&name.table).or_default().push(id);
        }
    }
    for (table, ids) in by_table {
        let kind = cx.records().record(table).filter(|_| cx.may_read(table));
        let Some((kind, column)) = kind.and_then(|kind| Some((kind, kind.merged_into()?))) else {
            continue;
        };
        let mut statement = sql("SELECT id, ").sql(column).sql(" AS kept FROM ");
        let mut statement = {
            statement.push(kind.table());
            statement
                .sql(" WHERE workspace = ")
                .value(cx.workspace().id)
                .sql(" AND archived_at IS NOT NULL AND ")
                .sql(column)
                .sql(" IS NOT NULL AND id IN ")
        };
        statement.push_ids(&ids);
        let rows = statement.rows(cx.tx()).await?;
        let merged = rows.iter();
        let merged = merged.map(|row| Ok((row.get("id")?, row.get("kept")?)));
        let merged: HashMap<i64, i64> = merged.collect::<Result<_>>()?;
        let kept: Vec<i64> = merged.values().copied().collect();
        let labels: HashMap<i64, String> = kind.titles(cx, &kept).await?.into_iter().collect();
        for name in names.iter().filter(|name| name.table == table) {
            let Some(kept) = name.id.and_then(|id| merged.get(&id)) else {
                continue;
            };
            let id = cx.wire_id(table, *kept);
            cx.note_meant(name.field(), json!({ "id": id, "name": labels.get(kept) }));
            if let Some(place) = arguments.pointer_mut(&name.pointer) {
                *place = id.into();
            }
        }
    }
    Ok(())
}

/// The identifier of the one record of this table that a parameter means by what it is called; the text itself for a caller who
/// may not read such records.
///
/// # Errors
/// As [`resolve`].
pub(crate) async fn resolve_one(
    cx: &mut Cx,
    field: &str,
    table: &str,
    text: &str,
) -> Result<String> {
    let names = [Name {
        pointer: format!("/{field}"),
        table: table.to_owned(),
        text: text.trim().to_owned(),
        id: None,
    }];
    let mut arguments = json!({ field: text });
    resolve(cx, &names, &mut arguments, |_| true).await?;
    let resolved = arguments.get(field).and_then(Data::as_str);
    Ok(resolved.unwrap_or(text).to_owned())
}

/// The kinds of records that may be meant there and that the caller may read.
fn readable(cx: &Cx, table: &str) -> Vec<Kind> {
    let kinds = Kind::all(cx.records(), table).into_iter();
    kinds.filter(|kind| cx.may_read(kind.table())).collect()
}

impl Name {
    /// Where it stands, as errors say it: `lines[2].product`.
    fn field(&self) -> String {
        let mut field = String::new();
        for step in self.pointer.split('/').skip(1) {
            if step.bytes().all(|byte| byte.is_ascii_digit()) {
                field.push_str(&format!("[{step}]"));
            } else {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(step);
            }
        }
        field
    }
}

/// What a record is called that a parameter means.
fn noun_for(name: &Name, kind: Option<&Kind>) -> &'static str {
    match kind {
        Some(kind) if name.table != ANY_RECORD => kind.noun(),
        _ => "record",
    }
}

/// Says that several are called so, and which.
async fn ambiguous(cx: &mut Cx, name: &Name, meant: &[(Kind, i64)]) -> Result<Error> {
    let listed: Vec<(Kind, i64)> = meant.iter().copied().take(LISTED).collect();
    let labels = labelled(cx, &listed).await?;
    let shown: Vec<String> = labels.iter().map(|one| in_words(cx, name, one)).collect();
    let more = match meant.len() - listed.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let (field, count) = (name.field(), meant.len());
    let noun = noun_for(name, meant.first().map(|(kind, _)| kind));
    let message = format!(
        "{field} means one {noun}, and {count} are called so: {}{more}.",
        shown.join(", ")
    );
    let about = told_apart(cx, &listed).await?;
    let candidates = labels.iter().map(|(kind, id, label)| {
        let id_on_wire = cx.wire_id(kind.table(), *id);
        let mut candidate = json!({ "id": id_on_wire, "name": label });
        if let (Some(about), Some(candidate)) =
            (about.get(&(kind.table(), *id)), candidate.as_object_mut())
        {
            candidate.insert("about".into(), about.clone().into());
        }
        candidate
    });
    let candidates: Vec<Data> = candidates.collect();
    Ok(Error::invalid(field, message)
        .hint("Give the id of the one that is meant.")
        .detail("candidates", candidates))
}

/// What tells records apart that are called alike: the first of what each shows to a search, such as a company or an address,
/// that not all of them have.
async fn told_apart(
    cx: &mut Cx,
    records: &[(Kind, i64)],
) -> Result<HashMap<(&'static str, i64), String>> {
    const SHOWN: usize = 2;
    let workspace = cx.workspace().id.raw();
    let mut shows: Vec<((&'static str, i64), Vec<String>)> = Vec::new();
    let mut seen = Vec::new();
    for (kind, _) in records {
        let (Kind::Record(record), false) = (kind, seen.contains(&kind.table())) else {
            continue;
        };
        seen.push(kind.table());
        let of_kind = records
            .iter()
            .filter(|(one, _)| one.table() == kind.table());
        let ids: Vec<i64> = of_kind.map(|(_, id)| *id).collect();
        let most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let read = record
            .documents(&mut cx.tx, workspace, Some(&ids), 0, most)
            .await?;
        let found = read.found.into_iter();
        shows.extend(found.map(|doc| ((doc.kind, doc.id), doc.text)));
    }
    let is_common = |text: &String| shows.iter().all(|(_, texts)| texts.contains(text));
    let about = shows.iter().filter_map(|(record, texts)| {
        let own = texts
            .iter()
            .filter(|text| !text.trim().is_empty() && !is_common(text));
        let own: Vec<&str> = own.take(SHOWN).map(String::as_str).collect();
        (!own.is_empty()).then(|| (*record, own.join(", ")))
    });
    Ok(about.collect())
}

/// Says that none is called so, which ones nearly are, and what finds them.
async fn unknown(cx: &mut Cx, name: &Name, offers: impl Fn(&str) -> bool) -> Result<Error> {
    let kinds = readable(cx, &name.table);
    let near = match kinds.as_slice() {
        [only] if name.table != ANY_RECORD => {
            let near = only.like(cx, &name.text).await?.into_iter();
            near.map(|(id, label)| (*only, id, label)).collect()
        }
        several => searched(cx, several, &name.text).await?,
    };
    let near: Vec<String> = near.iter().map(|one| in_words(cx, name, one)).collect();
    let meant = match near.is_empty() {
        true => String::new(),
        false => format!("Did you mean {}? ", near.join(" or ")),
    };
    let finds = match kinds.as_slice() {
        [only] => Some(only.found_with()),
        _ => None,
    };
    let finds = match finds.filter(|tool| offers(tool)) {
        Some(finds) => format!("{finds} finds them."),
        None => "Give its id.".to_owned(),
    };
    // What was sent is not sent back.
    let noun = noun_for(name, kinds.first());
    let error = Error::new(Code::NotFound, format!("There is no such {noun} here."));
    Ok(error.field(name.field()).hint(format!("{meant}{finds}")))
}

/// A record by name and identifier; by its kind too where any may be meant.
fn in_words(cx: &Cx, name: &Name, (kind, id, label): &(Kind, i64, String)) -> String {
    let (label, id) = (quoted(label), cx.wire_id(kind.table(), *id));
    match name.table.as_str() {
        ANY_RECORD => format!("{} {label} ({id})", kind.noun()),
        _ => format!("{label} ({id})"),
    }
}

/// Identifiers by what is called so.
type ByWord = HashMap<String, Vec<i64>>;

fn take(found: &ByWord, word: &str) -> Vec<i64> {
    found.get(word).cloned().unwrap_or_default()
}

/// The live records that people call by each of these texts, oldest first.
pub(crate) async fn meant<R: Record>(cx: &mut Cx, texts: &[String]) -> Result<Vec<Vec<i64>>> {
    let words: Vec<String> = texts.iter().map(|text| folded(text)).collect();
    let mut meant: Vec<Vec<i64>> = words.iter().map(|_| Vec::new()).collect();
    for by in R::CALLED.by {
        let open = || words.iter().zip(&meant).filter(|(_, ids)| ids.is_empty());
        let mut wanted: Vec<String> = open().map(|(word, _)| word.clone()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = match by {
            CalledBy::Key(field) => by_key(cx, R::TABLE, field, &wanted).await?,
            CalledBy::Column(column) => in_column(cx, R::TABLE, column, &wanted).await?,
            CalledBy::FamilyFirst(column) => people::<R>(cx, column, &wanted).await?,
            CalledBy::Firm(field) => firms::<R>(cx, field, &wanted).await?,
        };
        for (word, ids) in words.iter().zip(&mut meant) {
            if ids.is_empty() {
                *ids = take(&found, word);
            }
        }
    }
    Ok(meant)
}

/// Those with these index keys.
async fn by_key(
    cx: &mut Cx,
    table: &'static str,
    field: &'static str,
    words: &[String],
) -> Result<ByWord> {
    let mut found = ByWord::new();
    for asked in words.chunks(64) {
        let mut statement =
            sql("SELECT value AS word, record AS id FROM record_key WHERE workspace = ")
                .value(cx.workspace().id)
                .sql(" AND entity = ")
                .value(table.to_owned())
                .sql(" AND field = ")
                .value(field.to_owned())
                .sql(" AND value IN ");
        statement.push_list(asked.iter().cloned().map(Value::Text));
        let statement = statement.sql(" LIMIT ").value(ROWS);
        collect(&statement.rows(&mut cx.tx).await?, &mut found)?;
    }
    Ok(found)
}

/// The live ones in whose column one of these stands.
async fn in_column(
    cx: &mut Cx,
    table: &'static str,
    column: &'static str,
    words: &[String],
) -> Result<ByWord> {
    let mut found = ByWord::new();
    for asked in words.chunks(64) {
        let mut statement = sql("SELECT ")
            .sql(column)
            .sql(" AS word, id FROM ")
            .sql(table)
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(cx.workspace().id)
            .sql(" AND ")
            .sql(column)
            .sql(" IN ");
        statement.push_list(asked.iter().cloned().map(Value::Text));
        let statement = statement.sql(" LIMIT ").value(ROWS);
        collect(&statement.rows(&mut cx.tx).await?, &mut found)?;
    }
    Ok(found)
}

fn collect(rows: &[Row], found: &mut ByWord) -> Result<()> {
    for row in rows {
        let ids = found.entry(row.get("word")?).or_default();
        ids.push(row.get("id")?);
    }
    // An order in the statement could keep an engine from the index.
    found.values_mut().for_each(|ids| ids.sort_unstable());
    Ok(())
}

/// The people of these names, wherever in them the family name begins.
async fn people<R: Record>(cx: &mut Cx, column: &'static str, words: &[String]) -> Result<ByWord> {
    let mut turned: Vec<String> = words.iter().flat_map(|name| turns(name)).collect();
    turned.sort_unstable();
    turned.dedup();
    let mut found = by_key(cx, R::TABLE, "name", words).await?;
    for asked in turned.chunks(64) {
        let mut statement = Saved::<R>::select();
        statement.push(" WHERE archived_at IS NULL AND workspace = ");
        statement.push_value(cx.workspace().id.to_value());
        statement.push(" AND ");
        statement.push(column);
        statement.push(" IN ");
        statement.push_list(asked.iter().cloned().map(Value::Text));
        let statement = statement.sql(" LIMIT ").value(ROWS);
        let rows = statement.rows(&mut cx.tx).await?;
        for saved in cx.readable::<R>(&rows)? {
            let ids = found.entry(folded(&saved.record.label())).or_default();
            ids.push(saved.id.raw());
        }
    }
    for ids in found.values_mut() {
        ids.sort_unstable();
        ids.dedup();
    }
    Ok(found)
}

/// The firms of these names but for the legal form; of another form is another one.
async fn firms<R: Record>(cx: &mut Cx, field: &'static str, words: &[String]) -> Result<ByWord> {
    let mut plain: Vec<String> = words
        .iter()
        .map(|word| without_legal_form(word).0)
        .collect();
    plain.sort_unstable();
    plain.dedup();
    let by_plain = by_key(cx, R::TABLE, field, &plain).await?;
    let ids: Vec<Id<R>> = by_plain
        .values()
        .flatten()
        .copied()
        .map(Id::from_raw)
        .collect();
    let mut forms = HashMap::new();
    for (id, saved) in cx.find_all(&ids).await? {
        forms.insert(id, without_legal_form(&saved.record.label()).1);
    }
    let mut found = ByWord::new();
    for word in words {
        let (name, form) = without_legal_form(word);
        let mut ids = take(&by_plain, &name);
        ids.retain(|id| {
            let its = forms.get(id).map_or("", String::as_str);
            form.is_empty() || its.is_empty() || form == its
        });
        if !ids.is_empty() {
            found.insert(word.clone(), ids);
        }
    }
    Ok(found)
}

/// The forms in which the name of a person may be ordered: family name first, wherever it begins.
fn turns(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split(' ').collect();
    (0..words.len().min(8))
        .filter_map(|first| words.split_at_checked(first))
        .map(|(given, family)| [family, given].concat().join(" "))
        .collect()
}

/// Whether a column that holds a person's name folded, family name first, is found by the name that is shown.
#[must_use]
pub fn is_turned(name: &str, family_first: &str) -> bool {
    turns(&folded(name)).iter().any(|turn| turn == family_first)
}

/// The live members of these names or addresses. Whether one of them is the caller is asked elsewhere.
async fn members_meant(cx: &mut Cx, texts: &[String]) -> Result<Vec<Vec<i64>>> {
    let rows = sql("SELECT id, name, email FROM member WHERE archived_at IS NULL AND workspace = ")
        .value(cx.workspace().id)
        .sql(" ORDER BY id")
        .rows(&mut cx.tx)
        .await?;
    let mut found = ByWord::new();
    for row in rows {
        let id: i64 = row.get("id")?;
        let name: String = row.get("name")?;
        let email: Option<String> = row.get("email")?;
        let mut words = vec![folded(&name)];
        words.extend(email.map(|email| folded(&email)));
        words.dedup();
        for word in words {
            found.entry(word).or_default().push(id);
        }
    }
    // Who is called so, or else who is called so among others: the given name alone.
    let by_part = |word: &str| {
        let has = |name: &&String| name.split(' ').any(|part| part == word);
        let names = found.keys().filter(|name| !word.contains(' ') && has(name));
        let mut ids: Vec<i64> = names.flat_map(|name| take(&found, name)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let meant = texts.iter().map(|text| {
        let word = folded(text);
        match take(&found, &word) {
            ids if ids.is_empty() => by_part(&word),
            ids => ids,
        }
    });
    Ok(meant.collect())
}

/// What these things of the kernel's own are called.
async fn labels_in<E: crate::types::id::Entity>(
    cx: &mut Cx,
    ids: &[i64],
) -> Result<HashMap<i64, String>> {
    let ids = ids.iter().copied().map(Id::<E>::from_raw);
    let names = cx.names(ids.clone()).await?;
    let named = ids.filter_map(|id| Some((id.raw(), names.of(id).name?)));
    Ok(named.collect())
}

async fn first_of_kernel(cx: &mut Cx, table: &'static str) -> Result<Vec<(i64, String)>> {
    let rows = sql("SELECT id, name FROM ")
        .sql(table)
        .sql(" WHERE archived_at IS NULL AND workspace = ")
        .value(cx.workspace().id)
        .sql(" ORDER BY id LIMIT ")
        .value(COMPARED)
        .rows(&mut cx.tx)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("name")?)))
        .collect()
}

/// The first live records with what people call them.
pub(crate) async fn first<R: Record>(cx: &mut Cx, limit: i64) -> Result<Vec<(i64, String)>> {
    let mut statement = Saved::<R>::select();
    statement.push(" WHERE archived_at IS NULL AND workspace = ");
    statement.push_value(cx.workspace().id.to_value());
    cx.push_readable::<R>(&mut statement);
    let statement = statement.sql(" ORDER BY id LIMIT ").value(limit);
    let rows = statement.rows(&mut cx.tx).await?;
    let found = cx.readable::<R>(&rows)?.into_iter();
    Ok(found
        .map(|saved| (saved.id.raw(), saved.record.label()))
        .collect())
}

/// What a kind of record is called in messages, of a module or of the kernel's own.
pub(crate) fn noun_of(records: &Records, table: &'static str) -> &'static str {
    let record = records.record(table).map(AnyRecord::noun);
    let own = || KINDS.iter().find(|kind| kind.table == table);
    record
        .or_else(|| own().map(|kind| kind.noun))
        .unwrap_or(table)
}

impl Cx {
    /// The live records of a table that people call by each of these texts, oldest first; none where such records are named
    /// by their identifiers only.
    pub(crate) async fn meant_in(
        &mut self,
        table: &'static str,
        texts: &[String],
    ) -> Result<Vec<Vec<i64>>> {
        match Kind::of(&Arc::clone(self.records()), table) {
            Some(kind) => kind.meant(self, texts).await,
            None => Ok(texts.iter().map(|_| Vec::new()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_wherever_the_family_name_begins() {
        assert_eq!(turns("ada"), ["ada"]);
        assert!(is_turned("Ada Maria  King", "king ada maria"));
        assert!(is_turned("Ludwig van Beethoven", "van beethoven ludwig"));
        assert!(!is_turned("Dr. Ada King", "king ada"));
    }

    #[test]
    fn a_part_of_the_name_is_nearer_than_one_that_is_spelled_alike() {
        let some = ["Acne", "Globex", "Acme Brewing"].map(str::to_owned);
        let some = (0..).zip(some).collect();
        let near: Vec<i64> = nearest("ACME", some)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(near, [2, 0]);
    }

    #[test]
    fn the_place_of_a_name_is_said_as_errors_say_it() {
        let name = Name {
            pointer: "/lines/12/product".into(),
            table: String::new(),
            text: String::new(),
            id: None,
        };
        assert_eq!(name.field(), "lines[12].product");
    }
}
