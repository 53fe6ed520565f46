//! How well the search of the knowledge base finds what answers: recall and mean reciprocal rank, beside plain BM25 by passage.
//!
//! `cargo bench --bench knowledge` measures the set beside this file: short handbook entries and questions about them in other
//! words, in English, German and French, with passages of other firms' handbooks among them. `cargo bench --bench knowledge -- DIR
//! QUESTIONS.tsv` measures a folder of Markdown and lines with a question, a tab and the path of the document in that folder.
//!
//! Lexical search only: there are no embeddings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use bureau_kernel::search::passages::{InMemory, PassageQuery, Passages, cut, detect};
use bureau_kernel::search::{Doc, Readers};

/// What anything may go wrong with.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// So many are looked at.
const DEEP: usize = 100;
/// The own set by language.
const OWN: [(&str, &str); 3] = [
    ("en", include_str!("en.md")),
    ("de", include_str!("de.md")),
    ("fr", include_str!("fr.md")),
];

/// A question, the language of it, and the number of the document that answers.
struct Question {
    text: String,
    language: String,
    answer: i64,
}

#[derive(Default)]
struct Set {
    docs: Vec<Doc>,
    questions: Vec<Question>,
}

impl Set {
    fn add(&mut self, title: &str, text: &str, language: Option<&str>) -> i64 {
        let id = i64::try_from(self.docs.len()).unwrap_or(i64::MAX) + 1;
        let known = language.or_else(|| detect(text));
        self.docs.push(Doc {
            workspace: 1,
            kind: "document",
            id,
            title: title.to_owned(),
            text: vec![text.to_owned()],
            numbers: Vec::new(),
            filters: known
                .map(|code| format!("language:{code}"))
                .into_iter()
                .collect(),
            readers: None,
            unread: false,
        });
        id
    }

    /// The set beside this file. A line that begins with a question mark is a question about the entry above it.
    fn own() -> Self {
        let mut set = Self::default();
        for (language, text) in OWN {
            for entry in text.split("\n# ") {
                let entry = entry.trim_start_matches("# ");
                let (title, body) = entry.split_once('\n').unwrap_or((entry, ""));
                let is_question = |line: &&str| line.starts_with("? ");
                let (asked, kept): (Vec<&str>, Vec<&str>) = body.lines().partition(is_question);
                let answer = set.add(title, &kept.join("\n"), Some(language));
                for line in asked {
                    set.questions.push(Question {
                        text: line.trim_start_matches("? ").to_owned(),
                        language: language.to_owned(),
                        answer,
                    });
                }
            }
            set.add_others(language);
        }
        set
    }

    /// Entries of branches that arrange something else about the same things: they share the words and answer nothing.
    fn add_others(&mut self, language: &str) {
        let text = include_str!("others.tsv");
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        let rows: Vec<&str> = rows
            .filter(|(code, _)| *code == language)
            .map(|(_, row)| row)
            .collect();
        let (places, sentences): (Vec<&str>, Vec<&str>) =
            rows.iter().partition(|row| row.starts_with('@'));
        for (nth, place) in places.iter().enumerate() {
            let place = place.trim_start_matches('@');
            // Each branch has sections of its own, so that no two documents are the same.
            let sections = sentences.iter().enumerate();
            let own = sections.filter(|(at, _)| (at + nth) % 9 != 0);
            let body: Vec<String> = own
                .map(|(at, sentence)| {
                    let sentence = sentence.replace("{place}", place);
                    let number = (nth * 7 + at * 3) % 23 + 2;
                    format!(
                        "## {place} {}\n{}\n",
                        at + 1,
                        sentence.replace("{n}", &number.to_string())
                    )
                })
                .collect();
            self.add(place, &body.join("\n"), Some(language));
        }
    }

    fn of_folder(folder: &Path, questions: &Path) -> Outcome<Self> {
        let mut set = Self::default();
        let mut numbers: HashMap<PathBuf, i64> = HashMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(at) = open.pop() {
            for entry in std::fs::read_dir(at)? {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "md") {
                    let text = std::fs::read_to_string(&path)?;
                    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let id = set.add(heading.unwrap_or(&stem), &text, None);
                    numbers.insert(path.strip_prefix(folder)?.to_owned(), id);
                }
            }
        }
        for line in std::fs::read_to_string(questions)?.lines() {
            let Some((text, document)) = line.split_once('\t') else {
                continue;
            };
            let document = Path::new(document.trim());
            let answer = numbers
                .get(document)
                .or_else(|| numbers.get(&document.with_extension("md")));
            let answer =
                answer.ok_or_else(|| format!("{} is not in the folder", document.display()))?;
            set.questions.push(Question {
                text: text.to_owned(),
                language: detect(text).unwrap_or("other").to_owned(),
                answer: *answer,
            });
        }
        Ok(set)
    }

    /// The same with nothing said about languages: then no word has a stem.
    fn without_stems(&self) -> Vec<Doc> {
        let docs = self.docs.iter().cloned();
        docs.map(|doc| Doc {
            filters: Vec::new(),
            ..doc
        })
        .collect()
    }
}

/// Words in lower case.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// BM25 over passages with their titles and headings (Robertson and Zaragoza 2009, k1 1.2 and b 0.75), and nothing else.
struct Plain {
    passages: Vec<(i64, HashMap<String, f32>, f32)>,
    frequency: HashMap<String, f32>,
    length: f32,
}

impl Plain {
    fn of(docs: &[Doc]) -> Self {
        let mut passages = Vec::new();
        let mut frequency: HashMap<String, f32> = HashMap::new();
        for doc in docs {
            let text = doc.text.first().map_or("", String::as_str);
            for passage in cut(text) {
                let all = format!(
                    "{} {} {}",
                    doc.title,
                    passage.headings.join(" "),
                    passage.text
                );
                let mut counts: HashMap<String, f32> = HashMap::new();
                let words = words(&all);
                let length = words.len() as f32;
                for word in words {
                    *counts.entry(word).or_default() += 1.0;
                }
                for word in counts.keys() {
                    *frequency.entry(word.clone()).or_default() += 1.0;
                }
                passages.push((doc.id, counts, length));
            }
        }
        let total: f32 = passages.iter().map(|(_, _, length)| length).sum();
        Self {
            length: total / passages.len().max(1) as f32,
            passages,
            frequency,
        }
    }

    fn find(&self, question: &str) -> Vec<i64> {
        const K1: f32 = 1.2;
        const B: f32 = 0.75;
        let asked: HashSet<String> = words(question).into_iter().collect();
        let all = self.passages.len() as f32;
        let mut best: BTreeMap<i64, f32> = BTreeMap::new();
        for (id, counts, length) in &self.passages {
            let score: f32 = asked
                .iter()
                .filter_map(|word| {
                    let count = counts.get(word)?;
                    let frequency = self.frequency.get(word)?;
                    let rarity = (1.0 + (all - frequency + 0.5) / (frequency + 0.5)).ln();
                    let share =
                        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / self.length));
                    Some(rarity * share)
                })
                .sum();
            if score > 0.0 {
                let known = best.entry(*id).or_default();
                *known = known.max(score);
            }
        }
        let mut ranked: Vec<(i64, f32)> = best.into_iter().collect();
        ranked.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(other.cmp(one)));
        ranked.into_iter().take(DEEP).map(|(id, _)| id).collect()
    }
}

fn lexical(index: &InMemory, question: &str) -> Outcome<Vec<i64>> {
    let Passages { hits, .. } = index.find(&PassageQuery {
        workspace: 1,
        kind: "document",
        readers: Readers::Teams(Vec::new()),
        text: question.to_owned(),
        like: None,
        filters: Vec::new(),
        limit: DEEP,
    })?;
    Ok(hits.into_iter().map(|hit| hit.id).collect())
}

/// Recall among the first five and ten, and the mean of one through the rank.
#[derive(Clone, Copy, Default)]
struct Score {
    asked: f32,
    five: f32,
    ten: f32,
    reciprocal: f32,
}

impl Score {
    fn add(&mut self, ranked: &[i64], answer: i64) {
        self.asked += 1.0;
        if let Some(at) = ranked.iter().position(|id| *id == answer) {
            self.five += f32::from(u8::from(at < 5));
            self.ten += f32::from(u8::from(at < 10));
            self.reciprocal += 1.0 / (at as f32 + 1.0);
        }
    }

    fn mrr(self) -> f32 {
        self.reciprocal / self.asked.max(1.0)
    }
}

/// A way to rank.
type Ranks<'a> = Box<dyn Fn(&str) -> Outcome<Vec<i64>> + 'a>;

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    let (set, is_own) = match arguments.as_slice() {
        [folder, questions] => (
            Set::of_folder(Path::new(folder), Path::new(questions))?,
            false,
        ),
        _ => (Set::own(), true),
    };
    let plain = Plain::of(&set.docs);
    let exact = InMemory::of(&set.without_stems())?;
    let index = InMemory::of(&set.docs)?;
    println!(
        "{} documents, {} passages, {} questions",
        set.docs.len(),
        index.count()?,
        set.questions.len()
    );
    let ways: [(&str, Ranks<'_>); 3] = [
        ("plain BM25", Box::new(|question| Ok(plain.find(question)))),
        (
            "without stems",
            Box::new(|question| lexical(&exact, question)),
        ),
        ("lexical", Box::new(|question| lexical(&index, question))),
    ];
    let mut by_way: Vec<BTreeMap<&str, Score>> = Vec::new();
    println!(
        "{:<14} {:<9} {:>9} {:>9} {:>9}",
        "search", "language", "recall@5", "recall@10", "MRR"
    );
    for (name, rank) in &ways {
        let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
        for question in &set.questions {
            let ranked = rank(&question.text)?;
            for language in ["all", question.language.as_str()] {
                scores
                    .entry(language)
                    .or_default()
                    .add(&ranked, question.answer);
            }
        }
        for (language, score) in &scores {
            println!(
                "{name:<14} {language:<9} {:>9.3} {:>9.3} {:>9.3}",
                score.five / score.asked,
                score.ten / score.asked,
                score.mrr()
            );
        }
        by_way.push(scores);
    }
    let [plain, exact, lexical] = by_way.as_slice() else {
        return Ok(());
    };
    let mrr = |scores: &BTreeMap<&str, Score>, language| {
        scores.get(language).copied().unwrap_or_default().mrr()
    };
    if is_own {
        let (ours, theirs) = (mrr(lexical, "all"), mrr(plain, "all"));
        if ours < theirs * 1.05 {
            return Err(format!("lexical has {ours:.3}, and plain BM25 {theirs:.3}").into());
        }
        for language in lexical.keys() {
            if mrr(lexical, language) < mrr(exact, language) {
                return Err(format!("stems lower the rank in {language}").into());
            }
        }
    }
    Ok(())
}
