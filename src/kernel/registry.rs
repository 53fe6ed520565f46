//! The modules' tables put together: which tools there are, and which of them a caller may see.
//!
//! The registry knows nothing of any tool. What a caller sees is compiled ∩ enabled ∩ permitted.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::compute::Compute;
use crate::error::{Error, Result};
use crate::import::AnyImport;
use crate::job::Job;
use crate::measures::{Dimension, Figure, Group, Measure, Question};
use crate::numbered::NumberedKind;
use crate::option;
use crate::permission::{self, Operation, Permission, READ_TEAMS};
use crate::rates::Rates;
use crate::record::reactions::AnyReaction;
use crate::record::{AnyRecord, App, Cx, Records};
use crate::resource::Resource;
use crate::search::Search;
use crate::store::Store;
use crate::suggestion::{self, SuggestionRule};
use crate::tool::Entry;
use crate::types::synonyms::suggest_tool;
use crate::types::text::nearest;

/// A module: a group of tools and the records behind them.
#[derive(Clone, Copy)]
pub struct Module {
    /// The group's name, as `--features` takes it.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// What a client is told of its tools before it calls any, where their descriptions have no room for it: a sentence or two
    /// that hold only while the group is on. All groups' together with what holds of every tool have little room, so most
    /// have none.
    pub instructions: &'static str,
    /// On unless `--features` says otherwise.
    pub on_by_default: bool,
    /// In what `bureau install` writes, where it is not on by default: for whoever has no terminal.
    pub is_installed: bool,
    /// How many tokens of its tools a model sees at most (GPT-4o's; names, descriptions and parameters).
    pub tokens: usize,
    /// Its tools, alphabetically.
    pub tools: &'static [fn() -> Entry],
    /// What clients are told of their parameters, ready-made: a line for each, its name and its [`Declared`] as JSON. A server
    /// that lists its tools reads this, which takes a small part of the time that it takes to derive it from their types; a tool
    /// without a line is derived. It is in programs built for a release; others ask the types, which may have changed. A test
    /// holds the two against each other, and writes it.
    ///
    /// [`Declared`]: crate::tool::Declared
    pub schemas: &'static str,
    /// Its records.
    pub records: &'static [&'static dyn AnyRecord],
    /// What its tools read, under a URI.
    pub resources: &'static [Resource],
    /// Those of its records that can be imported.
    pub imports: &'static [&'static dyn AnyImport],
    /// The modules whose records its own ones refer to. Those records are known wherever this module is, with or without
    /// their tools.
    pub uses: &'static [&'static Module],
    /// What it does when records of the modules that it uses are written. In each call they run in the order of the modules, a
    /// used one's before its user's.
    pub reacts: &'static [&'static dyn AnyReaction],
    /// What it lends to modules that it uses, which know nothing of it: values of types that these ask for
    /// ([`Cx::provided`]).
    pub provides: &'static [&'static (dyn Any + Send + Sync)],
    /// What it can be asked for in figures.
    pub measures: &'static [&'static Measure],
    /// What it sees that somebody might do next.
    pub suggests: &'static [SuggestionRule],
    /// Those of its records that have numbers.
    pub numbered: &'static [NumberedKind],
    /// What its records ask for beyond what reading, adding, changing and deleting one takes ([`Record::may_write`]), where no tool
    /// goes by it.
    ///
    /// [`Record::may_write`]: crate::record::Record::may_write
    pub permissions: &'static [Permission],
    /// Puts into a new workspace what the module cannot work without.
    pub provision: Option<Provision>,
    /// What is done by itself when its records are due.
    pub jobs: &'static [Job],
    /// What `bureau doctor` looks at in each workspace.
    pub checks: &'static [Check],
}

/// A table of a [`Module`](crate::registry::Module), compiled where it is written: `table![NumberedKind: numbered::<Invoice>()]`.
///
/// A module is a constant, and what a constant refers to is compiled in every crate that names it. What stands in a static is
/// referred to by its address, so the code behind these entries, most of the program, is compiled once.
#[macro_export]
macro_rules! table {
    ($entry:ty: $($one:expr),* $(,)?) => {{
        static TABLE: [$entry; <[&str]>::len(&[$(stringify!($one)),*])] = [$($one),*];
        &TABLE
    }};
}

/// The records of a module, as its [`Module`](crate::registry::Module) lists them: `records![Pipeline, Stage, Deal]`.
#[macro_export]
macro_rules! records {
    ($($record:ty),* $(,)?) => {
        $crate::table![&'static dyn $crate::record::AnyRecord: $($crate::prelude::record::<$record>()),*]
    };
}

/// Those records of a module that can be imported, as its [`Module`](crate::registry::Module) lists them: `imports![Deal]`.
#[macro_export]
macro_rules! imports {
    ($($record:ty),* $(,)?) => {
        $crate::table![&'static dyn $crate::import::AnyImport: $($crate::import::import::<$record>()),*]
    };
}

/// A look at the records of a workspace for what contradicts the module's rules.
#[derive(Clone, Copy)]
pub struct Check {
    /// What is looked at, in a word or two; unique.
    pub name: &'static str,
    /// What there is to say where nothing contradicts.
    pub sound: &'static str,
    /// Looks. It reads only, and what it finds it says of a workspace.
    pub run: for<'a> fn(&'a mut Cx) -> BoxFuture<'a, Result<Vec<Contradiction>>>,
}

/// Something that contradicts a module's rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Contradiction {
    /// The identifier of the record, or what it is a part of.
    pub record: String,
    /// What is wrong with it.
    pub what: String,
}

/// Runs once in each workspace, in a transaction that writes.
pub type Provision = for<'a> fn(&'a mut Cx) -> BoxFuture<'a, Result<()>>;

impl Module {
    /// A module with nothing in it, for the fields that a module does not name.
    pub const EMPTY: Self = Self {
        name: "",
        about: "",
        instructions: "",
        on_by_default: true,
        is_installed: false,
        tokens: 0,
        tools: &[],
        schemas: "",
        records: &[],
        resources: &[],
        imports: &[],
        uses: &[],
        reacts: &[],
        provides: &[],
        measures: &[],
        suggests: &[],
        numbered: &[],
        permissions: &[],
        provision: None,
        jobs: &[],
        checks: &[],
    };

    /// The kinds of records of these modules and of those that they use.
    #[must_use]
    pub fn records_of(modules: &[Self]) -> Vec<&'static dyn AnyRecord> {
        let all = Self::all_with_used(modules).into_iter();
        all.flat_map(|module| module.records).copied().collect()
    }

    /// These modules and those that they use, directly or not; what is used comes first.
    pub(crate) fn all_with_used(modules: &[Self]) -> Vec<&Self> {
        fn add<'a>(module: &'a Module, all: &mut Vec<&'a Module>) {
            if all.iter().all(|known| known.name != module.name) {
                for used in module.uses {
                    add(used, all);
                }
                all.push(module);
            }
        }
        let mut all = Vec::new();
        for module in modules {
            add(module, &mut all);
        }
        all
    }
}

/// Which of the compiled tools a server offers.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Groups by name, or `default`, or `all`. Empty is `default`.
    pub features: Vec<String>,
    /// Only these tools.
    pub tools: Option<Vec<String>>,
    /// Not these.
    pub exclude_tools: Vec<String>,
}

/// All tools, and which are on.
pub struct Registry {
    modules: Vec<Module>,
    entries: BTreeMap<&'static str, Entry>,
    enabled: BTreeSet<&'static str>,
    records: Arc<Records>,
    resources: Vec<&'static Resource>,
    jobs: Vec<&'static Job>,
    measures: BTreeMap<&'static str, &'static Measure>,
    suggests: Vec<&'static SuggestionRule>,
    numbered: Vec<NumberedKind>,
}

impl Registry {
    /// Puts the modules together.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for a group or tool that does not exist, with the nearest
    /// name; [`Code::Internal`](crate::error::Code::Internal) when two modules use one name, or what one says of its tools
    /// contradicts them.
    pub fn new(modules: &[Module], selection: &Selection) -> Result<Arc<Self>> {
        let mut entries = BTreeMap::new();
        for module in modules {
            let ready = ready(module);
            for make in module.tools {
                let mut entry = make();
                entry.module = module.name;
                entry.bring(ready.get(entry.spec.name).copied());
                option::declare(&mut entry);
                if entries.insert(entry.spec.name, entry).is_some() {
                    return Err(Error::internal(format!(
                        "two tools of one name in {}",
                        module.name
                    )));
                }
            }
        }
        let all = || Module::all_with_used(modules).into_iter();
        let records = Records::new(
            Module::records_of(modules),
            all().flat_map(|module| module.reacts).copied(),
            all().flat_map(|module| module.provides).copied().collect(),
        )?;
        for entry in entries.values() {
            check_spec(entry, records.all())?;
        }
        let resources = resources(modules, &entries)?;
        let mut jobs: Vec<&'static Job> = Vec::new();
        for module in Module::all_with_used(modules) {
            for job in module.jobs {
                if jobs.iter().any(|other| other.name == job.name) {
                    return Err(Error::internal(format!("two jobs are named {}", job.name)));
                }
                jobs.push(job);
            }
        }
        let measures = measures(modules, &entries)?;
        let suggests = suggestion::gathered(all().flat_map(|module| module.suggests))?;
        let numbered = numbered(modules)?;
        let groups = enabled_groups(modules, &selection.features)?;
        let names: Vec<&'static str> = entries.keys().copied().collect();
        let known = |list: &[String], field: &str| -> Result<BTreeSet<String>> {
            list.iter()
                .map(|name| known_name(name, &names, field, "tool"))
                .collect()
        };
        let only = selection
            .tools
            .as_deref()
            .map(|tools| known(tools, "tools"))
            .transpose()?;
        let exclude = known(&selection.exclude_tools, "exclude_tools")?;
        // Naming tools one by one says more than the groups do, unless groups are named as well.
        let any_group = only.is_some() && selection.features.is_empty();
        let enabled = entries
            .values()
            .filter(|entry| any_group || groups.contains(entry.module))
            .map(|entry| entry.spec.name)
            .filter(|name| only.as_ref().is_none_or(|only| only.contains(*name)))
            .filter(|name| !exclude.contains(*name))
            .collect();
        Ok(Arc::new(Self {
            modules: modules.to_vec(),
            entries,
            enabled,
            records,
            resources,
            jobs,
            measures,
            suggests,
            numbered,
        }))
    }

    /// Whether what modules give their tools by themselves, for resources and measures, is what these take. It asks the tools'
    /// types, which takes long, and only a change of the code can break it: tests look.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) naming the resource or measure.
    pub fn check_arguments(&self) -> Result<()> {
        let takes = |tool: &str, names: &mut dyn Iterator<Item = &'static str>| {
            let entry = self.entries.get(tool);
            entry.is_none_or(|entry| entry.takes(names))
        };
        for resource in &self.resources {
            if !takes(resource.tool, &mut resource.parameters()) {
                let what = format!("{} gives its tool what it does not take", resource.uri);
                return Err(Error::internal(what));
            }
        }
        for measure in self.measures.values() {
            let Some(evidence) = measure.evidence else {
                continue;
            };
            let fixed = evidence.arguments.iter().map(|(name, _)| *name);
            let days = evidence.period.into_iter();
            let days = days.flat_map(|(from, to)| [from, to]);
            let dimensions = measure.dimensions.iter();
            let dimensions = dimensions
                .filter(|one| one.is_listed())
                .map(Dimension::name);
            let mut given = fixed.chain(days).chain(dimensions).chain(evidence.owner);
            if !takes(evidence.tool, &mut given) {
                let what = format!("{} gives its tool what it does not take", measure.id);
                return Err(Error::internal(what));
            }
        }
        Ok(())
    }

    /// The registry of the process in which a call runs.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) where it was started with another.
    pub fn of(cx: &Cx) -> Result<Arc<Self>> {
        let registry = Arc::clone(&cx.app.registry).downcast();
        registry.map_err(|_| Error::internal("the registry is not one of tools"))
    }

    /// What all calls share.
    pub(crate) fn app(
        self: &Arc<Self>,
        store: Store,
        search: Option<Search>,
        passages: Option<Search>,
    ) -> Arc<App> {
        Arc::new(App {
            store,
            records: Arc::clone(&self.records),
            search,
            passages,
            compute: Compute::default(),
            intake: OnceLock::new(),
            registry: Arc::clone(self) as Arc<dyn Any + Send + Sync>,
        })
    }

    /// The kinds of records.
    #[must_use]
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// The modules.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// All tools that are compiled in, alphabetically, on or off.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The tool of this name, on or off.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Whether the server offers this tool.
    #[must_use]
    pub fn is_enabled(&self, entry: &Entry) -> bool {
        self.enabled.contains(entry.spec.name)
    }

    /// What clients are told of the groups of which a tool is on, in the order of the modules.
    pub fn instructions(&self) -> impl Iterator<Item = &'static str> {
        let is_on = |module: &&Module| {
            let mut entries = self.entries.values();
            entries.any(|entry| entry.module == module.name && self.is_enabled(entry))
        };
        let on = self.modules.iter().filter(is_on);
        on.map(|module| module.instructions)
            .filter(|said| !said.is_empty())
    }

    /// Every permission that there is: those that tools need, and those that records take or ask for.
    #[must_use]
    pub fn permissions(&self) -> BTreeSet<&'static str> {
        let tools = self.entries.values().map(|entry| entry.spec.permission);
        let records = self
            .records
            .all()
            .iter()
            .flat_map(|kind| kind.access().all());
        let modules = self.modules.iter();
        let own = modules.flat_map(|module| module.permissions).copied();
        tools
            .chain(records)
            .chain(own)
            .chain([READ_TEAMS])
            .map(Permission::name)
            .collect()
    }

    /// Whether a caller is offered a tool that goes by one of the permissions of this kind of record. A request that forgoes
    /// groups has forgone what they are about; the operator beside the data has all that is compiled in.
    #[must_use]
    pub fn offers(&self, caller: &Caller, kind: &dyn AnyRecord) -> bool {
        self.offers_any(caller, &kind.access().all())
    }

    /// The same of a tool that goes by one of these permissions.
    pub(crate) fn offers_any(&self, caller: &Caller, permissions: &[Permission]) -> bool {
        let mut entries = self.entries.values();
        entries.any(|entry| {
            (caller.key.is_none() || self.enabled.contains(entry.spec.name))
                && caller.has_group(entry.module)
                && permissions.contains(&entry.spec.permission)
        })
    }

    /// What can be imported, in the order of the modules.
    pub fn imports(&self) -> impl Iterator<Item = &'static dyn AnyImport> {
        let all = Module::all_with_used(&self.modules).into_iter();
        all.flat_map(|module| module.imports.iter().copied())
    }

    /// What is imported under this name.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the nearest name, or all of them.
    pub fn import_called(&self, name: &str) -> Result<&'static dyn AnyImport> {
        let asked = name.trim().to_lowercase();
        if let Some(import) = self.imports().find(|import| import.name() == asked) {
            return Ok(import);
        }
        let names: Vec<&str> = self.imports().map(AnyImport::name).collect();
        let error = Error::invalid("kind", "Nothing is called so that could be imported.");
        Err(match nearest(&asked, names.iter().copied()) {
            Some(name) => error.hint(format!("Did you mean {name}?")),
            None => error.hint(format!("There are: {}.", names.join(", "))),
        })
    }

    /// What is done by itself, in the order of the modules, whether their tools are on or off.
    pub fn jobs(&self) -> impl Iterator<Item = &'static Job> {
        self.jobs.iter().copied()
    }

    /// What `bureau doctor` looks at, in the order of the modules.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        let all = Module::all_with_used(&self.modules).into_iter();
        all.flat_map(|module| module.checks)
    }

    /// What modules can be asked for in figures, by name, whether their tools are on or off.
    pub fn measures(&self) -> impl Iterator<Item = &'static Measure> {
        self.measures.values().copied()
    }

    /// The measure of this name.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the nearest name, or all of them.
    pub fn measure(&self, id: &str) -> Result<&'static Measure> {
        match self.measures.get(id) {
            Some(measure) => Ok(measure),
            None => {
                let known: Vec<&'static str> = self.measures.keys().copied().collect();
                Err(unknown_name(id, &known, "measure", "measure"))
            }
        }
    }

    /// What modules see that somebody might do next, in the order of the modules, whether their tools are on or off.
    pub fn suggestion_rules(&self) -> impl Iterator<Item = &'static SuggestionRule> {
        self.suggests.iter().copied()
    }

    /// The kinds of records that have numbers, in the order of the modules.
    pub(crate) fn numbered(&self) -> &[NumberedKind] {
        &self.numbered
    }

    /// The tools that a caller may see, alphabetically.
    pub fn visible<'a>(
        &'a self,
        caller: &'a Caller,
        read_only: bool,
    ) -> impl Iterator<Item = &'a Entry> + 'a {
        self.entries.values().filter(move |entry| {
            self.may_know(caller, entry)
                && (entry.spec.effect.reads_only() || !(read_only || caller.read_only))
        })
    }

    /// The tool of this name, if the caller may know of it.
    #[must_use]
    pub fn known(&self, caller: &Caller, name: &str) -> Option<&Entry> {
        let entry = self.entries.get(name)?;
        self.may_know(caller, entry).then_some(entry)
    }

    /// The same for somebody who wants to call it.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound): the same whether it does not exist, is off, or is not permitted.
    pub fn for_caller<'a>(&'a self, caller: &'a Caller, name: &str) -> Result<&'a Entry> {
        if let Some(entry) = self.known(caller, name) {
            return Ok(entry);
        }
        let short: String = name.chars().take(64).collect();
        let error = Error::new(
            crate::error::Code::NotFound,
            format!("There is no tool {short:?} for you here."),
        );
        let names = self.visible(caller, false).map(|entry| entry.spec.name);
        Err(match suggest_tool(name, names) {
            Some(known) => error.hint(format!("Did you mean {known}?")),
            None => error.hint("tools/list names the tools that you may call."),
        })
    }

    /// The resources that the server offers to some caller, by their URIs.
    pub fn resources(&self) -> impl Iterator<Item = &'static Resource> {
        let resources = self.resources.iter().copied();
        resources.filter(|resource| self.enabled.contains(resource.tool))
    }

    /// The resources that a caller may read, by their URIs: those whose tool it may call.
    pub fn visible_resources(&self, caller: &Caller) -> impl Iterator<Item = &'static Resource> {
        self.resources().filter(|resource| {
            let entry = self.entries.get(resource.tool);
            entry.is_some_and(|entry| self.may_know(caller, entry))
        })
    }

    /// The resource of this URI, if the caller may know of it, and what its tool is given.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound): the same whether it does not exist, is off, or is not permitted.
    pub fn resource_for_caller(
        &self,
        caller: &Caller,
        uri: &str,
    ) -> Result<(&'static Resource, Map<String, Value>)> {
        let mut found = self.visible_resources(caller).filter_map(|resource| {
            let arguments = resource.arguments_for(uri)?;
            Some((resource, arguments))
        });
        found.next().ok_or_else(|| {
            let short: String = uri.chars().take(100).collect();
            Error::new(
                crate::error::Code::NotFound,
                format!("There is no resource {short:?} for you here."),
            )
            .hint("resources/list and resources/templates/list name those that you may read.")
        })
    }

    /// Whether a caller is offered this tool.
    #[must_use]
    pub fn may_call(&self, caller: &Caller, tool: &str) -> bool {
        self.entry(tool)
            .is_some_and(|entry| self.may_know(caller, entry))
    }

    fn may_know(&self, caller: &Caller, entry: &Entry) -> bool {
        self.enabled.contains(entry.spec.name)
            && caller.has_group(entry.module)
            && caller.may(entry.spec.permission)
            && (!entry.spec.is_for_readers || caller.may_write())
    }
}

impl Cx {
    /// What a measure comes to, taken apart by the dimensions of the question.
    ///
    /// # Errors
    /// What the database says; [`Code::Validation`](crate::error::Code::Validation) where no module has that measure.
    pub async fn measure(
        &mut self,
        id: &str,
        asked: &Question,
        rates: &mut Rates,
    ) -> Result<Vec<Group>> {
        let measure = Registry::of(self)?.measure(id)?;
        measure.ask(self, asked, rates).await
    }

    /// What a measure comes to as a whole.
    ///
    /// # Errors
    /// As [`Cx::measure`].
    pub async fn figure(
        &mut self,
        id: &str,
        asked: &Question,
        rates: &mut Rates,
    ) -> Result<Figure> {
        let asked = Question {
            by: Vec::new(),
            ..asked.clone()
        };
        let groups = self.measure(id, &asked, rates).await?;
        let whole = groups.into_iter().next().map(|group| group.figure);
        whole.ok_or_else(|| Error::internal(format!("{id} came to nothing")))
    }

    /// The rules of all modules for whose records the caller is offered tools, and may read what they look at.
    ///
    /// # Errors
    /// As [`Registry::of`].
    pub fn suggestion_rules(&self) -> Result<Vec<&'static SuggestionRule>> {
        let registry = Registry::of(self)?;
        let rules = registry.suggestion_rules().filter(|rule| {
            let mut reads = rule.reads.iter();
            reads.all(|permission| {
                self.caller().may(*permission) && registry.offers_any(self.caller(), &[*permission])
            })
        });
        Ok(rules.collect())
    }

    /// The names of all rules, whatever the caller may read.
    ///
    /// # Errors
    /// As [`Registry::of`].
    pub fn names_of_suggestion_rules(&self) -> Result<Vec<&'static str>> {
        let registry = Registry::of(self)?;
        Ok(registry.suggestion_rules().map(|rule| rule.name).collect())
    }

    /// Whether the caller is offered this tool.
    ///
    /// # Errors
    /// As [`Registry::of`].
    pub fn is_offered(&self, tool: &str) -> Result<bool> {
        let registry = Registry::of(self)?;
        let entry = registry.known(self.caller(), tool);
        Ok(entry.is_some_and(|entry| entry.spec.effect.reads_only() || !self.caller().read_only))
    }
}

/// Whether a permission is one that only lets its holder look. Viewers have all of these and no other.
fn only_reads(permission: Permission) -> bool {
    permission::only_reads(permission.name())
}

/// What the program brings along of what clients are told of a module's tools, by their names.
fn ready(module: &Module) -> BTreeMap<&'static str, &'static str> {
    if cfg!(debug_assertions) {
        return BTreeMap::new();
    }
    let lines = module.schemas.lines();
    lines.filter_map(|line| line.split_once(' ')).collect()
}

/// What has to hold of what a tool says about itself.
fn check_spec(entry: &Entry, records: &[&'static dyn AnyRecord]) -> Result<()> {
    let spec = &entry.spec;
    let fault = |what: &str| Err(Error::internal(format!("{} {what}", spec.name)));
    if only_reads(spec.permission) != spec.effect.reads_only() && !spec.is_for_readers {
        return fault("goes by a permission read_… without only reading, or the other way round");
    }
    for covers in spec.covers {
        let Some(kind) = records.iter().find(|kind| kind.table() == covers.table) else {
            return fault("covers records that its module does not know");
        };
        if covers.operation != Operation::Read && spec.effect.reads_only() {
            return fault("reads only, and covers a write");
        }
        if kind.access().to(covers.operation) == spec.permission {
            return fault("covers what its own permission is for");
        }
    }
    Ok(())
}

/// The measures of all modules, by name.
fn measures(
    modules: &[Module],
    entries: &BTreeMap<&'static str, Entry>,
) -> Result<BTreeMap<&'static str, &'static Measure>> {
    let mut measures = BTreeMap::new();
    for module in Module::all_with_used(modules) {
        let has_tools = modules.iter().any(|other| other.name == module.name);
        for measure in module.measures.iter().copied() {
            let fault = |what: &str| Err(Error::internal(format!("{} {what}", measure.id)));
            let own = measure.id.split_once('.');
            if own.is_none_or(|(prefix, _)| prefix != module.name) {
                return fault("does not begin with the name of its module");
            }
            if let Some(what) = measure.fault() {
                return fault(what);
            }
            if measures.insert(measure.id, measure).is_some() {
                return fault("is there twice");
            }
            let Some(evidence) = measure.evidence.filter(|_| has_tools) else {
                continue;
            };
            let entry = entries.get(evidence.tool);
            if !entry
                .is_some_and(|entry| entry.module == module.name && entry.spec.effect.reads_only())
            {
                return fault("is shown by no reading tool of its module");
            }
        }
    }
    Ok(measures)
}

/// The kinds of records that have numbers, of all modules.
fn numbered(modules: &[Module]) -> Result<Vec<NumberedKind>> {
    let mut kinds: Vec<NumberedKind> = Vec::new();
    for module in Module::all_with_used(modules) {
        for kind in module.numbered {
            kind.check(&kinds)?;
            kinds.push(*kind);
        }
    }
    Ok(kinds)
}

/// The resources of all modules, by their URIs.
fn resources(
    modules: &[Module],
    entries: &BTreeMap<&'static str, Entry>,
) -> Result<Vec<&'static Resource>> {
    let mut resources: Vec<&'static Resource> = Vec::new();
    for module in modules {
        for resource in module.resources {
            let fault = |what: &str| Err(Error::internal(format!("{} {what}", resource.uri)));
            let entry = entries.get(resource.tool);
            if !entry
                .is_some_and(|entry| entry.module == module.name && entry.spec.effect.reads_only())
            {
                return fault("names no reading tool of its module");
            }
            let like = |other: &&Resource| other.overlaps(resource) || other.name == resource.name;
            if resources.iter().any(like) {
                return fault("shares its URI or its name with another resource");
            }
            resources.push(resource);
        }
    }
    resources.sort_by_key(|resource| resource.uri);
    Ok(resources)
}

fn known_name(name: &str, known: &[&'static str], field: &str, what: &str) -> Result<String> {
    let name = name.trim();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(unknown_name(name, known, field, what))
}

fn unknown_name(name: &str, known: &[&'static str], field: &str, what: &str) -> Error {
    let error = Error::invalid(field, format!("There is no {what} {name:?}."));
    match nearest(name, known.iter().copied()) {
        Some(nearest) => error.hint(format!("Did you mean {nearest}?")),
        None => error.hint(format!("There are: {}.", known.join(", "))),
    }
}

fn enabled_groups(modules: &[Module], features: &[String]) -> Result<BTreeSet<&'static str>> {
    let mut names: Vec<&'static str> = modules.iter().map(|module| module.name).collect();
    names.extend(["default", "all"]);
    let mut groups = BTreeSet::new();
    let default = ["default".to_owned()];
    for feature in if features.is_empty() {
        &default
    } else {
        features
    } {
        let name = known_name(feature, &names, "features", "feature group")?;
        groups.extend(
            modules
                .iter()
                .filter(|module| match name.as_str() {
                    "all" => true,
                    "default" => module.on_by_default,
                    other => module.name == other,
                })
                .map(|module| module.name),
        );
    }
    Ok(groups)
}
