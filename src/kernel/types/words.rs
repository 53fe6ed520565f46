//! Words that people say or leave out as it comes: they tell no record from another.

use super::text::folded;

/// Legal forms as they stand at the end of a firm's name, folded and without signs.
const LEGAL_FORMS: &[&str] = &[
    "gmbh",
    "mbh",
    "ggmbh",
    "ag",
    "kg",
    "ohg",
    "ug",
    "gbr",
    "ev",
    "eg",
    "ek",
    "kgaa",
    "se",
    "ewiv",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "llc",
    "llp",
    "lp",
    "plc",
    "ltd",
    "limited",
    "pte",
    "pty",
    "sa",
    "sas",
    "sasu",
    "sarl",
    "eurl",
    "snc",
    "sci",
    "srl",
    "srls",
    "spa",
    "sl",
    "slu",
    "lda",
    "ltda",
    "bv",
    "nv",
    "bvba",
    "vof",
    "ab",
    "hb",
    "as",
    "asa",
    "aps",
    "oy",
    "oyj",
    "oü",
    "ou",
    "kft",
    "zrt",
    "doo",
    "dd",
    "sro",
    "zoo",
    "sp",
    "kk",
    "gk",
    "haftungsbeschrankt",
];
/// What joins a legal form to a name, or two of them.
const JOINTS: &[&str] = &["and", "und", "et", "y", "e", "&", "+"];

/// Words between the words that tell, folded: small ones and forms of address in English, German, French, Spanish, Italian and Dutch.
const FILLERS: &[&str] = &[
    "a", "an", "the", "of", "from", "at", "in", "by", "for", "with", "and", "to", "on", "who",
    "works", "called", "named", "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "von", "vom",
    "bei", "beim", "aus", "der", "die", "das", "den", "dem", "des", "und", "mit", "fur", "im",
    "am", "zu", "zum", "zur", "ein", "eine", "herr", "herrn", "frau", "de", "du", "la", "le",
    "les", "et", "chez", "dans", "avec", "m", "mme", "monsieur", "madame", "del", "el", "los",
    "las", "y", "con", "en", "sr", "sra", "senor", "senora", "di", "da", "della", "dei", "e",
    "signor", "signora", "van", "het", "een", "bij", "uit", "met", "voor", "op", "te", "meneer",
    "mevrouw",
];

/// A firm's name without its legal form, and that form; without signs, lower case, without accents. Firms that differ in
/// nothing else are likely one.
#[must_use]
pub fn without_legal_form(name: &str) -> (String, String) {
    // The one form that is written in two words.
    let plain = folded(name).replace("s.a r.l", "sarl");
    let plain = plain.replace(['.', '\'', '’'], "");
    let mut words: Vec<&str> = plain
        .split(|c: char| !(c.is_alphanumeric() || c == '&' || c == '+'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut form = Vec::new();
    while let [_, .., last] = words.as_slice() {
        if !LEGAL_FORMS.contains(last) && !JOINTS.contains(last) {
            break;
        }
        form.extend(words.pop().filter(|last| !JOINTS.contains(last)));
    }
    form.reverse();
    (words.join(" "), form.join(" "))
}

/// Whether a folded word of a search tells nothing by itself: a small word, a form of address, a legal form.
pub(crate) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word) || LEGAL_FORMS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firm_is_called_the_same_with_its_legal_form_and_without() {
        let of = |name| {
            let (name, form) = without_legal_form(name);
            format!("{name}|{form}")
        };
        assert_eq!(of("Brandt Maschinenbau GmbH"), "brandt maschinenbau|gmbh");
        assert_eq!(of("Brandt G.m.b.H. & Co. KG"), "brandt|gmbh co kg");
        assert_eq!(of("Müller & Söhne"), "muller & sohne|");
        assert_eq!(of("Société X S.à r.l."), "societe x|sarl");
        assert_eq!(of("ACME, Inc."), "acme|inc");
        assert_eq!(of("Co"), "co|");
        assert_eq!(of("株式会社"), "株式会社|");
    }
}
