//! The languages whose words are brought to their stems, and which of their words tell nothing.

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use whatlang::{Detector, Lang};

use super::text::fold;

/// A language whose words are stemmed.
#[derive(Clone, Copy)]
struct Language {
    /// ISO 639-1.
    code: &'static str,
    name: &'static str,
    own_name: &'static str,
    algorithm: Algorithm,
    lang: Lang,
}

const fn language(
    code: &'static str,
    name: &'static str,
    own_name: &'static str,
    algorithm: Algorithm,
    lang: Lang,
) -> Language {
    Language {
        code,
        name,
        own_name,
        algorithm,
        lang,
    }
}

/// Those for which there are both a stemmer and a list of stop words.
const LANGUAGES: [Language; 17] = [
    language("ar", "arabic", "العربية", Algorithm::Arabic, Lang::Ara),
    language("da", "danish", "dansk", Algorithm::Danish, Lang::Dan),
    language("de", "german", "deutsch", Algorithm::German, Lang::Deu),
    language("el", "greek", "ελληνικά", Algorithm::Greek, Lang::Ell),
    language("en", "english", "english", Algorithm::English, Lang::Eng),
    language("es", "spanish", "español", Algorithm::Spanish, Lang::Spa),
    language("fi", "finnish", "suomi", Algorithm::Finnish, Lang::Fin),
    language("fr", "french", "français", Algorithm::French, Lang::Fra),
    language("hu", "hungarian", "magyar", Algorithm::Hungarian, Lang::Hun),
    language("it", "italian", "italiano", Algorithm::Italian, Lang::Ita),
    language("nl", "dutch", "nederlands", Algorithm::Dutch, Lang::Nld),
    language("no", "norwegian", "norsk", Algorithm::Norwegian, Lang::Nob),
    language(
        "pt",
        "portuguese",
        "português",
        Algorithm::Portuguese,
        Lang::Por,
    ),
    language("ro", "romanian", "română", Algorithm::Romanian, Lang::Ron),
    language("ru", "russian", "русский", Algorithm::Russian, Lang::Rus),
    language("sv", "swedish", "svenska", Algorithm::Swedish, Lang::Swe),
    language("tr", "turkish", "türkçe", Algorithm::Turkish, Lang::Tur),
];

/// Characters of a text by which its language is told.
const LOOKED_AT: usize = 3_000;
/// Fewest characters of a text that tell it.
const TELLING: usize = 40;

/// The codes of the languages whose words are stemmed (ISO 639-1).
pub fn codes() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.code)
}

/// The code of a language that somebody calls by its code, with a region or without, or by its name, in English or as it calls itself.
#[must_use]
pub fn code_of(said: &str) -> Option<&'static str> {
    let said = said.trim().to_lowercase();
    let code = said.split(['-', '_']).next().unwrap_or_default();
    let code = if ["nb", "nn"].contains(&code) {
        "no"
    } else {
        code
    };
    let is_it = |language: &&Language| {
        language.code == code || language.name == said || language.own_name == said
    };
    LANGUAGES.iter().find(is_it).map(|language| language.code)
}

/// The code of the language in which a text is written, where it tells.
#[must_use]
pub fn detect(text: &str) -> Option<&'static str> {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
        let known = LANGUAGES.iter().map(|language| language.lang);
        Detector::with_allowlist(known.collect())
    });
    let beginning: String = text.chars().take(LOOKED_AT).collect();
    if beginning.chars().filter(|c| c.is_alphabetic()).count() < TELLING {
        return None;
    }
    let lang = DETECTOR.detect_lang(&beginning)?;
    let known = LANGUAGES.iter().find(|language| language.lang == lang);
    known.map(|language| language.code)
}

/// Brings words of one language to their stems.
pub(super) struct Stems {
    code: &'static str,
    stemmer: Stemmer,
    stop_words: &'static HashSet<String>,
}

impl Stems {
    /// Those of a language by its code.
    pub(super) fn of(code: &str) -> Option<Self> {
        let (language, stop_words) = LANGUAGES
            .iter()
            .zip(&*STOP_WORDS)
            .find(|(language, _)| language.code == code)?;
        Some(Self {
            code: language.code,
            stemmer: Stemmer::create(language.algorithm),
            stop_words,
        })
    }

    /// Those of all languages.
    pub(super) fn all() -> Vec<Self> {
        codes().filter_map(Self::of).collect()
    }

    /// The term of a word in lower case; none for one that tells nothing.
    pub(super) fn term(&self, word: &str) -> Option<String> {
        if self.stop_words.contains(&fold(word)) {
            return None;
        }
        let stem = fold(&self.stemmer.stem(word));
        (!stem.is_empty()).then(|| format!("{}:{stem}", self.code))
    }
}

/// The words, in lower case as they are written, by which stems are made.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Of each language the words that tell nothing, folded.
static STOP_WORDS: LazyLock<Vec<HashSet<String>>> = LazyLock::new(|| {
    let of = |language: &Language| {
        let words = stop_words::get(language.code).iter();
        words.map(|word| fold(word)).collect()
    };
    LANGUAGES.iter().map(of).collect()
});

/// Which of these words tell something: those that are no stop words of the language that most of them are stop words of. All
/// where none does.
pub(super) fn telling(words: &[String]) -> Vec<String> {
    let count = |stop_words: &&HashSet<String>| {
        words
            .iter()
            .filter(|word| stop_words.contains(*word))
            .count()
    };
    // Of equals the first, so that the answer is the same each time.
    let best = STOP_WORDS.iter().rev().max_by_key(count);
    let tells = |word: &&String| best.is_none_or(|stop_words| !stop_words.contains(*word));
    let telling: Vec<String> = words.iter().filter(tells).cloned().collect();
    if telling.is_empty() {
        words.to_vec()
    } else {
        telling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_a_stemmer_and_stop_words() {
        for (language, words) in LANGUAGES.iter().zip(&*STOP_WORDS) {
            assert!(words.len() > 20, "{}", language.code);
            assert!(Stems::of(language.code).is_some());
            assert_eq!(code_of(language.name), Some(language.code));
            assert_eq!(code_of(language.own_name), Some(language.code));
        }
        assert!(codes().count() >= 17);
        assert_eq!(code_of("de-AT"), Some("de"));
        assert_eq!(code_of("nb_NO"), Some("no"));
        assert_eq!(code_of("Klingon"), None);
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        let same = |code: &str, one: &str, other: &str| {
            let stems = Stems::of(code).unwrap();
            assert_eq!(stems.term(one), stems.term(other), "{code}");
            assert!(stems.term(one).is_some());
        };
        same("en", "invoices", "invoice");
        same("de", "verträge", "vertrag");
        same("fr", "congés", "congé");
        same("es", "facturas", "factura");
        assert_eq!(Stems::of("en").unwrap().term("the"), None);
    }

    #[test]
    fn the_language_of_a_text_is_told() {
        assert_eq!(
            detect(
                "Wer krank ist, meldet sich vor neun Uhr bei seiner Teamleitung und schickt die Bescheinigung nach."
            ),
            Some("de")
        );
        assert_eq!(
            detect(
                "Whoever is ill tells the team lead before nine and sends the certificate later."
            ),
            Some("en")
        );
        assert_eq!(
            detect(
                "Les congés sont demandés au moins quatre semaines à l'avance auprès du responsable."
            ),
            Some("fr")
        );
        assert_eq!(detect("OK"), None);
    }

    #[test]
    fn small_words_of_the_questions_language_are_passed_over() {
        let words = |text: &str| words(text).collect::<Vec<_>>();
        assert_eq!(
            telling(&words("how do I reset the password")),
            ["reset", "password"]
        );
        assert_eq!(
            telling(&words("wie lange ist die frist")),
            ["lange", "frist"]
        );
        assert_eq!(telling(&words("who")), ["who"]);
    }
}
