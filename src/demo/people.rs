//! Names of people, by where they are at home, and what their jobs are called.

use std::collections::HashSet;

use super::chance::Chance;

/// A person's name.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) first: String,
    pub(super) last: String,
    /// The name in the script that it is written in at home.
    pub(super) native: Option<&'static str>,
}

/// Given names and family names, each list separated by commas.
type Names = (&'static str, &'static str);

const GERMAN: Names = (
    "Anja, Anneliese, Bernd, Birgit, Dieter, Elke, Felix, Greta, Hannah, Heike, Jonas, Jürgen, Katharina, Klaus, Lena, \
     Lukas, Maike, Matthias, Nadine, Paul, Sabine, Sebastian, Stefan, Swantje, Thomas, Ulrike, Wolfgang",
    "Bauer, Becker, Böhm, Fischer, Haas, Hoffmann, Keller, Klein, Krüger, Lehmann, Lorenz, Maurer, Meyer, Müller, \
     Neumann, Pohl, Richter, Sander, Schäfer, Schmidt, Schneider, Schröder, Vogt, Wagner, Weber, Weiß, Zimmermann",
);
const BRITISH: Names = (
    "Alice, Amelia, Benjamin, Bronwen, Catherine, Daniel, David, Eleanor, Emma, Fiona, George, Grace, Graham, Hamish, \
     Isla, James, Joanna, Liam, Michael, Niamh, Oliver, Rachel, Robert, Rosalind, Samuel, Sarah, Simon, Zoë",
    "Abbott, Bailey, Bennett, Brown, Carter, Clarke, Davies, Edwards, Evans, Fitzgerald, Fleming, Gray, Harris, \
     Hughes, Jones, Lambert, MacDonald, Murphy, O'Brien, Quinn, Reid, Smith, Taylor, Thompson, Walker, Whitlock, Wilson",
);
const AMERICAN: Names = (
    "Aaliyah, Brandon, Carlos, Chloe, Diego, Ethan, Hannah, Jasmine, John, Kayla, Kevin, Laura, Luis, Megan, Monica, \
     Noah, Rebecca, Ryan, Sofia, Tyler, Victoria",
    "Anderson, Brooks, Campbell, Chen, Cohen, Diaz, Foster, Freeman, Garcia, Jackson, Kim, Lopez, Martinez, Miller, \
     Nguyen, Parker, Ramirez, Rivera, Robinson, Washington, Young",
);
const FRENCH: Names = (
    "Adrien, Agnès, Amandine, Antoine, Aurélie, Camille, Chloé, Étienne, François, Gaëlle, Hélène, Inès, Julien, \
     Léa, Mathieu, Noémie, Olivier, Sylvie, Théo, Véronique",
    "Arnaud, Bernard, Chevalier, Dubois, Dufour, Fontaine, Garnier, Giraud, Lambert, Lefèvre, Marchand, Mercier, \
     Moreau, Morel, Perrin, Renaud, Roche, Roussel, Vasseur",
);
const NORDIC: Names = (
    "Anders, Astrid, Birgitta, Elin, Erik, Freja, Freya, Håkan, Ingrid, Johan, Karin, Lars, Magnus, Maja, Mikkel, Nils, \
     Signe, Søren, Tove, Ulrik",
    "Andersson, Berg, Dahl, Eriksen, Hansen, Holm, Jensen, Johansson, Larsen, Lindqvist, Lund, Nyström, Olsen, \
     Pettersson, Rasmussen, Sjöberg, Sørensen, Thorsen",
);
const SOUTHERN: Names = (
    "Alejandro, Beatriz, Bianca, Carmen, Chiara, Diogo, Elena, Giulia, Inês, Isabel, Joaquín, José, Lorenzo, Lucía, \
     Marta, Matteo, Nuria, Paolo, Pedro, Raquel, Rui, Valentina",
    "Almeida, Bianchi, Caruso, Costa, Esposito, Fernández, Ferrari, García, Gutiérrez, Ibáñez, Lombardi, Marchetti, \
     Moreno, Navarro, Pereira, Ribeiro, Romano, Santos, Silva, Teixeira, Vidal",
);
const CENTRAL: Names = (
    "Agnieszka, Andrzej, Barbora, Dagmar, Eszter, Ewa, Gábor, Ivana, Jakub, Jana, Jiří, Joanna, Karel, Katarzyna, \
     Magdalena, Marek, Ondřej, Piotr, Tereza, Tomasz, Zsófia, Zuzanna",
    "Baran, Duda, Horváth, Kovács, Kowalczyk, Król, Martinů, Mazur, Molnár, Nagy, Nowak, Pawlak, Petrů, Sikora, Szabó, \
     Tóth, Varga, Wójcik, Zając",
);
const DUTCH: Names = (
    "Anouk, Bas, Daan, Femke, Fleur, Jeroen, Joost, Lotte, Maarten, Marieke, Pieter, Sanne, Sjoerd, Wouter",
    "Bakker, de Boer, de Vries, Dekker, Hendriks, Jansen, Kuiper, Mulder, Smit, van den Berg, van Dijk, Visser, Vos",
);
const WORLD: Names = (
    "Adaeze, Aisha, Amara, Arjun, Deepika, Elif, Emre, Fatima, Ibrahim, Kamal, Kofi, Leila, Minh, Nadia, Omar, Priya, \
     Rahul, Thandiwe, Tunde, Yasmin, Zeynep",
    "Adeyemi, Ahmed, Bhatt, Boateng, Demir, Gupta, Haddad, Kaya, Khan, Mensah, Nguyen, Okafor, Patel, Rahman, Şahin, \
     Sharma, Singh, Tran, Yılmaz",
);

/// As it is written at home, and given and family name as they are written abroad.
type NativeName = (&'static str, &'static str, &'static str);

/// People whose names are written in another script at home, beside how they write them abroad.
const NATIVE: [(&str, &[NativeName]); 4] = [
    (
        "JP",
        &[
            ("田中 美咲", "Misaki", "Tanaka"),
            ("佐藤 健", "Takeshi", "Sato"),
            ("鈴木 花子", "Hanako", "Suzuki"),
            ("高橋 大輔", "Daisuke", "Takahashi"),
            ("渡辺 由美", "Yumi", "Watanabe"),
            ("山本 直樹", "Naoki", "Yamamoto"),
            ("中村 さくら", "Sakura", "Nakamura"),
            ("小林 浩", "Hiroshi", "Kobayashi"),
            ("加藤 恵", "Megumi", "Kato"),
            ("吉田 翔太", "Shota", "Yoshida"),
        ],
    ),
    (
        "GR",
        &[
            ("Ελένη Παπαδοπούλου", "Eleni", "Papadopoulou"),
            ("Γιώργος Νικολάου", "Giorgos", "Nikolaou"),
            ("Κατερίνα Δημητρίου", "Katerina", "Dimitriou"),
            ("Νίκος Αντωνίου", "Nikos", "Antoniou"),
            ("Σοφία Καραγιάννη", "Sofia", "Karagianni"),
            ("Δημήτρης Βλάχος", "Dimitris", "Vlachos"),
        ],
    ),
    (
        "",
        &[
            ("王小明", "Xiaoming", "Wang"),
            ("李婷", "Ting", "Li"),
            ("김민준", "Minjun", "Kim"),
            ("박서연", "Seoyeon", "Park"),
            ("Олена Коваленко", "Olena", "Kovalenko"),
            ("Андрій Шевчук", "Andriy", "Shevchuk"),
            ("Мария Иванова", "Maria", "Ivanova"),
            ("محمد الحسن", "Mohammed", "Alhassan"),
            ("ليلى منصور", "Layla", "Mansour"),
            ("נועה לוי", "Noa", "Levi"),
            ("अनन्या शर्मा", "Ananya", "Sharma"),
        ],
    ),
    (
        "CA",
        &[("陈静", "Jing", "Chen"), ("黃志偉", "Chiwai", "Wong")],
    ),
];

fn at_home(country: &str) -> Names {
    match country {
        "DE" | "AT" | "CH" => GERMAN,
        "GB" => BRITISH,
        "US" | "CA" => AMERICAN,
        "FR" => FRENCH,
        "SE" | "DK" => NORDIC,
        "IT" | "ES" | "PT" => SOUTHERN,
        "PL" | "CZ" => CENTRAL,
        "NL" => DUTCH,
        _ => WORLD,
    }
}

const EVERYWHERE: [Names; 9] = [
    GERMAN, BRITISH, AMERICAN, FRENCH, NORDIC, SOUTHERN, CENTRAL, DUTCH, WORLD,
];

/// Whom there is already: names in other scripts are given once each.
#[derive(Debug, Default)]
pub(super) struct Register {
    used: HashSet<&'static str>,
}

impl Register {
    /// A person who works in this country: mostly one from there.
    pub(super) fn person(&mut self, chance: &mut Chance, country: &str) -> Person {
        let native = match country {
            "JP" | "GR" if chance.percent(80) => country,
            "CA" if chance.percent(10) => country,
            _ if chance.percent(3) => "",
            _ => "-",
        };
        let list = NATIVE.iter().find(|(place, _)| *place == native);
        let fresh = list.and_then(|(_, people)| {
            let mut people = people.iter();
            people.find(|(name, ..)| !self.used.contains(name))
        });
        if let Some((name, first, last)) = fresh {
            self.used.insert(name);
            return Person {
                first: (*first).to_owned(),
                last: (*last).to_owned(),
                native: Some(name),
            };
        }
        let (given, family) = if chance.percent(72) {
            at_home(country)
        } else {
            chance
                .pick(&EVERYWHERE.map(Some))
                .unwrap_or_else(|| at_home(country))
        };
        Person {
            first: one_of(chance, given).to_owned(),
            last: one_of(chance, family).to_owned(),
            native: None,
        }
    }
}

/// One of the entries of a list that is separated by commas.
pub(super) fn one_of(chance: &mut Chance, list: &'static str) -> &'static str {
    let items: Vec<&'static str> = list.split(", ").collect();
    chance.pick(&items)
}

/// Those who decide.
pub(super) const DECIDERS: &str = "Chief Executive Officer, Managing Director, Chief Operating Officer, Founder, \
     Head of Operations, Chief Financial Officer, Plant Director";

/// The others.
pub(super) const TITLES: &str = "Head of Procurement, Purchasing Manager, Operations Manager, Plant Manager, Head of IT, \
     IT Administrator, Software Architect, Warehouse Manager, Shift Supervisor, Maintenance Manager, Logistics \
     Coordinator, Supply Chain Manager, Quality Manager, Project Manager, Controller, Accountant, Legal Counsel, \
     Executive Assistant, Health and Safety Officer, Fleet Manager, Production Planner, Facilities Manager";
