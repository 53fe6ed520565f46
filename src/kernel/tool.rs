//! A tool is its input: a struct whose fields are the parameters, with a [`Spec`], examples and one function.

use std::future::Future;
use std::sync::{Arc, LazyLock, OnceLock};

use futures::future::BoxFuture;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::permission::{Covers, Permission};
use crate::record::Cx;
use crate::types::schema::{self, Moments};
use crate::types::time::{DayEdge, When};

/// Characters that a tool's description may have: the manifest is paid for in every conversation.
pub const MAX_ABOUT: usize = 80;
/// Characters that a tool's name may have.
pub const MAX_NAME: usize = 32;

/// What a tool does to the world. Everything that could contradict it is derived from it: the annotations, what a
/// read-only server hides, the kind of transaction, the confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads only. Runs on a connection that cannot write.
    Reads,
    /// Adds something new.
    Adds,
    /// Changes what is there.
    Changes,
    /// Removes what is there.
    Removes,
    /// Sends something out of Bureau: it cannot be called back.
    Sends,
}

impl Effect {
    /// Whether it writes nothing.
    #[must_use]
    pub const fn reads_only(self) -> bool {
        matches!(self, Self::Reads)
    }

    /// Whether a person has to agree by default.
    #[must_use]
    pub const fn is_destructive(self) -> bool {
        matches!(self, Self::Removes | Self::Sends)
    }
}

/// What a tool that reads shows, and therefore waits for: its caller's own last write is to be in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Awaits {
    /// Records. Every committed write is among them, and nothing is waited for.
    #[default]
    Records,
    /// The change log: rows are sealed after the commit.
    Log,
    /// What the search index finds, where the argument [`QUERY`] is given.
    Index,
    /// What the index of passages finds.
    Passages,
}

impl Awaits {
    /// Whether it is a search index.
    pub(crate) const fn is_of_index(self) -> bool {
        matches!(self, Self::Index | Self::Passages)
    }
}

/// The argument with the text that a tool searches for.
pub const QUERY: &str = "query";

/// What a tool is called, needs and does.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// verb_noun, at most 32 characters of `[a-z0-9_]`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For the model: at most 80 characters, no examples.
    pub about: &'static str,
    /// What the caller must hold.
    pub permission: Permission,
    /// What it does.
    pub effect: Effect,
    /// How it is taken back, where `undo_change` cannot.
    pub irreversible: Option<&'static str>,
    /// What it waits for before it reads.
    pub awaits: Awaits,
    /// The argument with which a call keeps a core busy.
    pub busy_with: Option<&'static str>,
    /// Whether a call may delete something or make it final, though that is not what the tool is there for.
    pub may_ask: bool,
    /// Whether it is one of the few that most conversations begin with.
    pub is_core: bool,
    /// Whether it writes, and all the same goes by a permission that only reads: what it writes is an answer to what was read.
    pub is_for_readers: bool,
    /// What it does with records of other kinds, or to other ones of its own kind, as a consequence of what it is for: its
    /// own permission is enough for that. Whatever is not said here takes the permission of the record's kind
    /// ([`Record::ACCESS`](crate::record::Record::ACCESS)).
    pub covers: &'static [Covers],
}

impl Spec {
    const fn new(name: &'static str, permission: Permission, effect: Effect) -> Self {
        let bytes = name.as_bytes();
        assert!(
            !bytes.is_empty() && bytes.len() <= MAX_NAME,
            "a tool's name has 1 to 32 characters"
        );
        let (mut at, mut rest) = (0, bytes);
        while let [byte, tail @ ..] = rest {
            assert!(
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_',
                "a tool's name is [a-z0-9_]"
            );
            rest = tail;
            at += 1;
        }
        assert!(at == bytes.len());
        Self {
            name,
            title: name,
            about: "",
            permission,
            effect,
            irreversible: None,
            awaits: Awaits::Records,
            busy_with: None,
            covers: &[],
            may_ask: false,
            is_core: false,
            is_for_readers: false,
        }
    }

    /// A tool that reads.
    #[must_use]
    pub const fn reads(name: &'static str, permission: Permission) -> Self {
        Self::new(name, permission, Effect::Reads)
    }

    /// A tool that adds.
    #[must_use]
    pub const fn adds(name: &'static str, permission: Permission) -> Self {
        Self::new(name, permission, Effect::Adds)
    }

    /// A tool that changes.
    #[must_use]
    pub const fn changes(name: &'static str, permission: Permission) -> Self {
        Self::new(name, permission, Effect::Changes)
    }

    /// A tool that removes.
    #[must_use]
    pub const fn removes(name: &'static str, permission: Permission) -> Self {
        Self::new(name, permission, Effect::Removes)
    }

    /// A tool that sends something out of Bureau.
    #[must_use]
    pub const fn sends(name: &'static str, permission: Permission) -> Self {
        Self::new(name, permission, Effect::Sends)
    }

    /// Its title.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// Its description, checked at compile time.
    #[must_use]
    pub const fn about(mut self, about: &'static str) -> Self {
        assert!(
            about.len() <= MAX_ABOUT,
            "a tool's description has at most 80 characters"
        );
        self.about = about;
        self
    }

    /// Says what it waits for before it reads.
    #[must_use]
    pub const fn awaits(mut self, awaits: Awaits) -> Self {
        assert!(
            self.effect.reads_only(),
            "only a tool that reads waits for what follows the log"
        );
        self.awaits = awaits;
        self
    }

    /// Says with which argument a call keeps a core busy ([`Cx::compute`]). Such calls of one caller are begun a few at a time.
    #[must_use]
    pub const fn busy_with(mut self, argument: &'static str) -> Self {
        assert!(
            self.effect.reads_only(),
            "a write is begun when its turn to write comes"
        );
        self.busy_with = Some(argument);
        self
    }

    /// Says what follows from what it is for, so that its own permission is enough.
    #[must_use]
    pub const fn covers(mut self, covers: &'static [Covers]) -> Self {
        self.covers = covers;
        self
    }

    /// Says that some of its calls delete something or make it final, so that a person is asked about those.
    #[must_use]
    pub const fn may_ask(mut self) -> Self {
        self.may_ask = true;
        self
    }

    /// Says that it is one of the few that most conversations begin with.
    #[must_use]
    pub const fn core(mut self) -> Self {
        self.is_core = true;
        self
    }

    /// Says that whoever may read what it is about may also answer it, if they may write anything at all. A server, key or viewer that
    /// only reads has it not.
    #[must_use]
    pub const fn for_readers(mut self) -> Self {
        self.is_for_readers = true;
        self
    }

    /// Whether a person is asked about some of its calls at least, unless nobody wants to be asked.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.may_ask || self.effect.is_destructive()
    }

    /// Says how to take it back where `undo_change` cannot.
    #[must_use]
    pub const fn irreversible(mut self, instead: &'static str) -> Self {
        self.irreversible = Some(instead);
        self
    }
}

/// One call of a tool with what its answer must contain: documentation and test at once.
///
/// Examples of a tool run in order on one store. In `arguments`, `{name}` stands for what an earlier step kept.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it shows, as a person would ask for it.
    pub title: &'static str,
    /// Calls that come first, such as the creation of what it reads: tool, arguments, and the names under which
    /// values of the answer are kept (`("ada", "/data/id")`).
    pub before: &'static [Step],
    /// The arguments, as JSON.
    pub arguments: &'static str,
    /// JSON pointers into the answer, each with the JSON value that must stand there.
    pub expect: &'static [(&'static str, &'static str)],
}

/// A call that prepares an example.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments, as JSON.
    pub arguments: &'static str,
    /// Names for values of the answer, with the JSON pointers to them.
    pub keep: &'static [(&'static str, &'static str)],
}

/// The tools of a module, as its [`Module`](crate::registry::Module) lists them: `tools![create::CreateDeal, Delete<Deal>]`.
#[macro_export]
macro_rules! tools {
    ($($tool:ty),* $(,)?) => {
        $crate::table![fn() -> $crate::tool::Entry: $($crate::tool::tool::<$tool>),*]
    };
}

/// A tool. The implementing type is its input.
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// What it is.
    const SPEC: Spec;
    /// How it is used.
    const EXAMPLES: &'static [Example];
    /// What it answers.
    type Output: Serialize + JsonSchema + Send;

    /// Runs it. What it writes through `cx` is committed when it returns `Ok`, and forgotten otherwise.
    ///
    /// # Errors
    /// Whatever stands in the way, in the caller's words.
    fn call(self, cx: &mut Cx) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A tool with its types erased: what the registry holds. What follows from the types is made when it is first asked for: to
/// derive it for every tool takes longer than all else that a server does before it answers.
pub struct Entry {
    /// What it is.
    pub spec: Spec,
    /// Its group.
    pub module: &'static str,
    /// How it is used.
    pub examples: &'static [Example],
    /// What the program brings along of what clients are told ([`Module::schemas`](crate::registry::Module::schemas)).
    ready: Option<&'static str>,
    declared: OnceLock<Declared>,
    derive: fn() -> Declared,
    wire: OnceLock<WireForm>,
    /// The parameters and options that clients are told of where nothing is said about confirmation.
    usual: fn(&Self) -> Map<String, Value>,
    output: Arc<Derived<Arc<Map<String, Value>>>>,
    moments: Arc<Derived<Moments>>,
    /// By which its arguments are read: its parameters, and which of them mean records.
    form: OnceLock<Map<String, Value>>,
    derive_form: fn() -> Map<String, Value>,
    mark_options: fn(&mut Map<String, Value>),
    parse: fn(Value) -> Result<Parsed>,
}

/// Something that follows from a type, made when it is first asked for.
pub type Derived<T> = LazyLock<T, fn() -> T>;

/// What clients are told of a tool's parameters, and what decides which options they are told of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// One of its parameters names the record which a call is about.
    pub(crate) has_subject: bool,
    /// It answers a record or rows, of which single fields can be asked for. Not looked at where it writes.
    pub(crate) answers_records: bool,
    /// The table of the record whose custom attributes a call gives.
    pub(crate) attributes_of: Option<String>,
    /// Its own parameters, as clients see them.
    pub(crate) input: Map<String, Value>,
}

impl Declared {
    /// As the program brings it along. `None` where that is not to be read.
    #[must_use]
    pub fn read(ready: &str) -> Option<Self> {
        serde_json::from_str(ready).ok()
    }

    fn of<T: Tool>() -> Self {
        let schema = schemars::schema_for!(T);
        let form = marked(&schema);
        let mut input = schema::wire(&schema);
        // The tool's own description says it better.
        input.remove("description");
        if input_of_update(&input) {
            schema::forget_defaults(&mut input);
        }
        Self {
            has_subject: schema::subject(&form).is_some(),
            answers_records: T::SPEC.effect.reads_only() && schema::answers_records(&output::<T>()),
            attributes_of: schema::attributes_of(&form).map(str::to_owned),
            input,
        }
    }
}

/// A tool with its input, which is all in order as far as that can be known without the database.
pub(crate) type Parsed = Box<dyn for<'a> FnOnce(&'a mut Cx) -> BoxFuture<'a, Result<Value>> + Send>;

/// A tool as clients see it.
#[derive(Debug, Clone)]
pub struct WireForm {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its parameters: the form that every client in the field reads.
    pub input_schema: Arc<Map<String, Value>>,
    /// Its answer; sent, and made, only where asked for.
    pub output_schema: Arc<Derived<Arc<Map<String, Value>>>>,
    /// It changes nothing.
    pub read_only: bool,
    /// It removes or sends, or may do so.
    pub destructive: bool,
    /// The same call again changes nothing more.
    pub idempotent: bool,
    /// It reaches beyond this server.
    pub open_world: bool,
    /// A client that tells models of most tools only when they look for them tells of this one at once.
    pub is_core: bool,
}

/// The erased form of a tool. A [`Module`](crate::registry::Module) lists `tool::<CreateDeal>`.
#[must_use]
pub fn tool<T: Tool>() -> Entry {
    Entry {
        spec: T::SPEC,
        module: "",
        examples: T::EXAMPLES,
        ready: None,
        declared: OnceLock::new(),
        derive: Declared::of::<T>,
        wire: OnceLock::new(),
        usual: |entry| entry.declared().input.clone(),
        output: Arc::new(LazyLock::new(output::<T>)),
        moments: Arc::new(LazyLock::new(moments::<T>)),
        form: OnceLock::new(),
        derive_form: form::<T>,
        mark_options: |_| {},
        parse: parse::<T>,
    }
}

fn marked(schema: &Schema) -> Map<String, Value> {
    let mut form = schema::form(schema);
    schema::mark_subject(&mut form);
    form
}

fn form<T: Tool>() -> Map<String, Value> {
    marked(&schemars::schema_for!(T))
}

fn output<T: Tool>() -> Arc<Map<String, Value>> {
    let data = schema::wire(&schemars::schema_for!(T::Output));
    Arc::new(schema::answer(data, T::SPEC.effect.reads_only()))
}

fn moments<T: Tool>() -> Moments {
    Moments::of(&schemars::schema_for!(T::Output))
}

/// Whether fields can be emptied: then what is left out stays as it is.
fn input_of_update(input: &Map<String, Value>) -> bool {
    input
        .get("properties")
        .is_some_and(|properties| properties.get("clear").is_some())
}

fn parse<T: Tool>(arguments: Value) -> Result<Parsed> {
    let input: T = schema::parse(arguments)?;
    Ok(Box::new(move |cx| Box::pin(run(input, cx))))
}

async fn run<T: Tool>(input: T, cx: &mut Cx) -> Result<Value> {
    let output = input.call(cx).await?;
    serde_json::to_value(output).map_err(Error::internal)
}

/// The days and moments of a record that are not said as they are answered: their parameters, what is said, and whether a day
/// is meant.
fn said_in_words(form: &Map<String, Value>, arguments: &Value) -> Vec<(String, When, bool)> {
    let properties = form.get("properties").and_then(Value::as_object);
    let marked = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| {
            let is_date = property.get(schema::WHEN)? == "date";
            let text = arguments.get(name)?.as_str()?;
            let when: When = text.parse().ok()?;
            let is_plain = when.is_day() && is_date;
            (!is_plain).then(|| (name.clone(), when, is_date))
        });
    marked.collect()
}

fn is_given(arguments: &Value, name: &str) -> bool {
    arguments.get(name).is_some_and(|value| !value.is_null())
}

impl Entry {
    /// What clients see of it.
    #[must_use]
    pub fn wire(&self) -> &WireForm {
        self.wire.get_or_init(|| {
            let spec = &self.spec;
            WireForm {
                name: spec.name,
                title: spec.title,
                description: spec.about,
                input_schema: Arc::new((self.usual)(self)),
                output_schema: Arc::clone(&self.output),
                read_only: spec.effect.reads_only(),
                destructive: spec.asks() && spec.effect != Effect::Adds,
                idempotent: !matches!(spec.effect, Effect::Adds | Effect::Sends),
                open_world: matches!(spec.effect, Effect::Sends),
                is_core: spec.is_core,
            }
        })
    }

    /// Where its parameters mean records, as paths such as `lines`, `[]`, `product`, each with the record's table.
    #[must_use]
    pub fn record_parameters(&self) -> Vec<(Vec<String>, String)> {
        schema::record_parameters(self.form())
    }

    /// What clients are told of its parameters, as its types have it.
    #[must_use]
    pub fn derived(&self) -> Declared {
        (self.derive)()
    }

    /// Whether its parameters have all of these names.
    pub(crate) fn takes<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        let properties = self.declared().input.get("properties");
        names.all(|name| properties.is_some_and(|known| known.get(name).is_some()))
    }

    /// What clients are told of its parameters.
    pub(crate) fn declared(&self) -> &Declared {
        let ready = || self.ready.and_then(Declared::read);
        self.declared
            .get_or_init(|| ready().unwrap_or_else(self.derive))
    }

    /// Takes over what the program brings along of what clients are told.
    pub(crate) fn bring(&mut self, ready: Option<&'static str>) {
        self.ready = ready;
    }

    /// Takes over the options of every call: what clients see of them, and how what reads arguments knows of them.
    pub(crate) fn declare(
        &mut self,
        usual: fn(&Self) -> Map<String, Value>,
        mark: fn(&mut Map<String, Value>),
    ) {
        self.usual = usual;
        self.mark_options = mark;
    }

    /// By which its arguments are read.
    pub(crate) fn form(&self) -> &Map<String, Value> {
        self.form.get_or_init(|| {
            let mut form = (self.derive_form)();
            (self.mark_options)(&mut form);
            form
        })
    }

    /// What a call with these arguments waits for.
    pub(crate) fn awaits(&self, arguments: &Value) -> Awaits {
        match self.spec.awaits {
            Awaits::Index if !is_given(arguments, QUERY) => Awaits::Records,
            awaits => awaits,
        }
    }

    /// Whether a call with these arguments keeps a core busy.
    pub(crate) fn is_busy(&self, arguments: &Value) -> bool {
        let with = self.spec.busy_with;
        with.is_some_and(|argument| is_given(arguments, argument))
    }

    /// Reads the arguments as the tool's input. What a tool that writes answers is shown as far as the caller may read it, and
    /// moments as the workspace's clocks show them.
    pub(crate) fn parse(&self, arguments: Value) -> Result<Parsed> {
        let said = said_in_words(self.form(), &arguments);
        let parsed = (self.parse)(arguments)?;
        let spec = self.spec;
        let moments = Arc::clone(&self.moments);
        Ok(Box::new(move |cx| {
            Box::pin(async move {
                cx.set_covers(spec.covers);
                for (field, when, is_date) in &said {
                    match is_date {
                        true => cx.date(field, when).map(|_| ())?,
                        false => cx.moment(field, when, DayEdge::End).map(|_| ())?,
                    }
                }
                let mut data = parsed(cx).await?;
                moments.localize(&mut data, cx.workspace().time_zone);
                Ok(if spec.effect.reads_only() {
                    data
                } else {
                    cx.disclosed(data)
                })
            })
        }))
    }
}
