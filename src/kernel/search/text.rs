//! From text to the terms of the index: the same folding for what is stored and for what is typed.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Part of the index's name: raise it with every change that makes other terms out of the same text.
pub(super) const VERSION: u32 = 3;

/// Longest term, in characters; the rest of a longer word is not searched.
const MAX_TERM_CHARS: usize = 64;
/// Longest prefix, in characters, that has a term of its own.
pub(super) const START_CHARS: usize = 3;
/// Length of the overlapping pieces in which a number is stored.
pub(super) const GRAM_DIGITS: usize = 4;
/// Fewest digits that are searched inside numbers.
pub(super) const MIN_DIGITS: usize = 3;
/// Longest number that is stored or searched, in digits.
const MAX_DIGITS: usize = 40;
/// Longest query text that is looked at, in characters.
const MAX_QUERY_CHARS: usize = 500;
/// Most words and numbers of a query that are looked at.
const MAX_PIECES: usize = 12;

/// One part of a query; a document has to match every part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word, found whole, as a beginning, or with a typo.
    Word(String),
    /// Something like a phone number: any of the `numbers` inside a stored number, or all of the `words`.
    Number {
        numbers: Vec<String>,
        words: Vec<String>,
    },
}

/// Lower case without accents, ligatures, width variants and invisible characters.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Composing again keeps Hangul syllables whole, which the decomposition takes apart.
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).nfc();
    for c in plain.flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            'ŋ' => out.push('n'),
            'ŧ' => out.push('t'),
            'ς' => out.push('σ'),
            '’' | '‘' | 'ʼ' | 'ʻ' | '`' | '´' => out.push('\''),
            '‐' | '‑' => out.push('-'),
            c if is_invisible(c) || is_combining_mark(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Scripts written without spaces, where each character is a term of its own.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// True for the one-character terms of [`is_ideograph`].
pub(super) fn is_ideographic(term: &str) -> bool {
    term.chars().next().is_some_and(is_ideograph)
}

/// Calls `emit` for each term of one word without apostrophes and hyphens.
fn emit_word(word: &str, emit: &mut impl FnMut(&str)) {
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = if is_ideograph(first) {
            first.len_utf8()
        } else {
            rest.find(is_ideograph).unwrap_or(rest.len())
        };
        let (term, tail) = rest.split_at(end);
        let cut = term
            .char_indices()
            .nth(MAX_TERM_CHARS)
            .map_or(term.len(), |(at, _)| at);
        emit(term.get(..cut).unwrap_or(term));
        rest = tail;
    }
}

fn compounds(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '-'))
        .filter(|s| !s.is_empty())
}

/// The terms of stored text, in order. `O'Brien` is found as `obrien`, `o` and `brien`, `Anne-Marie` as `anne`, `marie`
/// and `annemarie`.
pub(super) fn index_terms(text: &str, emit: &mut impl FnMut(&str)) {
    let folded = fold(text);
    for compound in compounds(&folded) {
        let mut whole = String::new();
        let mut words = 0;
        for word in compound.split('-').filter(|w| !w.is_empty()) {
            let joined: String = word.split('\'').collect();
            if joined.is_empty() {
                continue;
            }
            emit_word(&joined, emit);
            if joined.len() < word.trim_matches('\'').len() {
                for part in word.split('\'').filter(|p| !p.is_empty()) {
                    emit_word(part, emit);
                }
            }
            whole.push_str(&joined);
            words += 1;
        }
        if words > 1 && !whole.chars().any(is_ideograph) {
            emit_word(&whole, emit);
        }
    }
}

fn query_words(folded: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for compound in compounds(folded) {
        for word in compound.split('-') {
            let joined: String = word.split('\'').collect();
            emit_word(&joined, &mut |term| {
                if !words.iter().any(|w| w == term) {
                    words.push(term.to_owned());
                }
            });
        }
    }
    words
}

/// The parts of typed text: at most 500 characters and 12 parts of it. No character has a special meaning.
pub(super) fn query_pieces(text: &str) -> Vec<Piece> {
    let cut: String = text.chars().take(MAX_QUERY_CHARS).collect();
    let folded = fold(&cut);
    let mut pieces = Vec::new();
    let mut number = String::new();
    for chunk in folded.split_whitespace() {
        if is_number_like(chunk) {
            number.push_str(chunk);
            number.push(' ');
            continue;
        }
        push_number(&mut pieces, &mut number);
        push_words(&mut pieces, chunk);
    }
    push_number(&mut pieces, &mut number);
    pieces.truncate(MAX_PIECES);
    pieces
}

fn is_number_like(chunk: &str) -> bool {
    chunk
        .chars()
        .all(|c| c.is_ascii_digit() || "()+-./".contains(c))
}

fn push_words(pieces: &mut Vec<Piece>, text: &str) {
    for word in query_words(text) {
        let piece = Piece::Word(word);
        if !pieces.contains(&piece) {
            pieces.push(piece);
        }
    }
}

/// Ends a run of number-like chunks.
fn push_number(pieces: &mut Vec<Piece>, run: &mut String) {
    let text = std::mem::take(run);
    let all = digits(&text);
    if all.len() < MIN_DIGITS {
        return push_words(pieces, &text);
    }
    // +49 (0)30 1234 is stored as 49301234, and 0049 30 1234 or 030 1234 are other ways to write it.
    let without_trunk = digits(&text.replace("(0)", ""));
    let mut numbers: Vec<String> = Vec::new();
    for candidate in [
        all.as_str(),
        all.trim_start_matches('0'),
        without_trunk.as_str(),
        without_trunk.trim_start_matches('0'),
    ] {
        if candidate.len() >= MIN_DIGITS && !numbers.iter().any(|n| n == candidate) {
            numbers.push(candidate.to_owned());
        }
    }
    let mut words = query_words(&text);
    words.truncate(MAX_PIECES);
    pieces.push(Piece::Number { numbers, words });
}

/// The ASCII digits of a text, at most 40.
pub(super) fn digits(text: &str) -> String {
    text.nfkd()
        .filter(char::is_ascii_digit)
        .take(MAX_DIGITS)
        .collect()
}

/// Calls `emit` for the overlapping pieces of `number` (digits only) in order: `12345` is `1234`, `2345` and, so that a
/// search for the last digits finds them, `345`.
pub(super) fn grams(number: &str, emit: &mut impl FnMut(&str)) {
    let last = number.len().saturating_sub(MIN_DIGITS);
    for start in 0..=last {
        let end = number.len().min(start + GRAM_DIGITS);
        if let Some(gram) = number.get(start..end)
            && gram.len() >= MIN_DIGITS
        {
            emit(gram);
        }
    }
}

/// The first characters of a term, at most `chars`.
pub(super) fn start(term: &str, chars: usize) -> &str {
    let end = term
        .char_indices()
        .nth(chars)
        .map_or(term.len(), |(at, _)| at);
    term.get(..end).unwrap_or(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        index_terms(text, &mut |t| out.push(t.to_owned()));
        out
    }

    #[test]
    fn accents_case_width_and_ligatures_fold_to_plain_letters() {
        assert_eq!(
            terms("Ünal ŁUKASZ Straße Ａｎｎａ Sørensen Œuvre"),
            ["unal", "lukasz", "strasse", "anna", "sorensen", "oeuvre"]
        );
        assert_eq!(
            terms("re\u{301}sume\u{301} soft\u{ad}hyphen"),
            ["resume", "softhyphen"]
        );
    }

    #[test]
    fn compound_names_are_found_in_parts_and_joined() {
        assert_eq!(terms("O’Brien"), ["obrien", "o", "brien"]);
        assert_eq!(terms("Anne-Marie"), ["anne", "marie", "annemarie"]);
        assert_eq!(
            terms("anna.smith@example.com"),
            ["anna", "smith", "example", "com"]
        );
        assert_eq!(query_pieces("O'Brien"), [Piece::Word("obrien".into())]);
    }

    #[test]
    fn each_ideograph_and_syllable_is_a_term() {
        assert_eq!(
            terms("山田Taro김철수"),
            ["山", "田", "taro", "김", "철", "수"]
        );
    }

    #[test]
    fn phone_like_text_becomes_one_number() {
        let pieces = query_pieces("Anna +49 (0)30 1234");
        assert_eq!(pieces.len(), 2);
        let Some(Piece::Number { numbers, .. }) = pieces.get(1) else {
            unreachable!("no number in {pieces:?}")
        };
        assert!(numbers.contains(&"49301234".to_owned()), "{numbers:?}");
        assert_eq!(query_pieces("12"), [Piece::Word("12".into())]);
    }

    #[test]
    fn a_query_is_cut_at_its_bounds() {
        let many: String = (0..100).map(|i| format!("w{i} ")).collect();
        assert_eq!(query_pieces(&many).len(), MAX_PIECES);
        let long = "a".repeat(10_000);
        assert_eq!(
            query_pieces(&long),
            [Piece::Word("a".repeat(MAX_TERM_CHARS))]
        );
        assert!(query_pieces(" -- '' ()+ \u{200b} \0").is_empty());
    }

    #[test]
    fn a_number_is_cut_into_overlapping_pieces() {
        let mut out = Vec::new();
        grams("123456", &mut |g| out.push(g.to_owned()));
        assert_eq!(out, ["1234", "2345", "3456", "456"]);
    }
}
