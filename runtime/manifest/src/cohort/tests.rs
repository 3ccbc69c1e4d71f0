use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

struct Patient(BTreeMap<&'static str, Vec<Value>>);

impl Record for Patient {
    fn values(&self, name: &str) -> Vec<Value> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

fn patient() -> Patient {
    let text = |t: &str| Value::Text(t.to_owned());
    Patient(BTreeMap::from([
        ("age", vec![Value::Integer(61)]),
        ("dose", vec![Value::Real(2.5)]),
        ("followup", vec![Value::Days(-3)]),
        ("sex", vec![text("F")]),
        ("grade", vec![Value::Missing]),
        ("modality", vec![text("CT"), text("PT")]),
    ]))
}

fn holds(text: &str) -> bool {
    Expr::parse("test", text).unwrap().matches(&patient())
}

fn problem(text: &str) -> String {
    let error = Expr::parse("test", text).unwrap_err();
    let p = error.problem();
    format!("{}..{} {} / {}", p.span.start, p.span.end, p.message, p.help)
}

#[test]
fn every_comparison_is_the_one_of_its_sign() {
    for yes in
        ["age = 61", "age != 60", "age < 62", "age <= 61", "age > 60.5", "age >= 61", "age in (60, 61.0)"]
    {
        assert!(holds(yes), "{yes}");
    }
    for no in ["age = 60", "age != 61", "age < 61", "age <= 60.9", "age > 61", "age >= 62", "age in (60, 62)"]
    {
        assert!(!holds(no), "{no}");
    }
    assert!(holds("dose = 2.5") && holds("followup < 0") && holds("age between 61 and 61"));
    assert!(!holds("age between 62 and 75") && holds("sex = \"F\"") && holds("sex != \"M\""));
}

#[test]
fn and_binds_before_or_and_not_before_both() {
    assert!(holds("age = 61 or age = 1 and sex = \"M\""));
    assert!(!holds("(age = 61 or age = 1) and sex = \"M\""));
    assert!(holds("not age = 1 and sex = \"F\""));
    assert!(!holds("not (age = 1 or sex = \"F\")"));
}

#[test]
fn a_missing_value_satisfies_nothing_not_even_a_negation() {
    for text in ["grade = 1", "grade != 1", "not grade = 1", "not grade in (1)", "grade between 0 and 9"] {
        assert!(!holds(text), "{text}");
    }
    assert!(holds("grade = 1 or age = 61"), "unknown or true is true");
    assert!(!holds("grade = 1 and age = 61"), "unknown and true is unknown");
    assert!(holds("not (grade = 1 and age = 1)"), "unknown and false is false");
    assert!(!holds("unheard_of = 1") && !holds("not unheard_of = 1"));
}

#[test]
fn a_value_of_another_type_satisfies_nothing() {
    for text in ["sex = 1", "not sex = 1", "age = \"61\"", "age != \"61\""] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn a_comparison_of_a_set_holds_if_any_value_satisfies_it() {
    assert!(holds("modality = \"PT\" and modality = \"CT\"") && holds("modality != \"PT\""));
    assert!(!holds("not modality = \"PT\"") && !holds("modality = \"MR\""));
    assert!(holds("not modality = \"MR\""));
}

#[test]
fn spellings_of_one_cohort_are_one_normal_text() {
    let normal = |t: &str| Expr::parse("test", t).unwrap().normalised();
    let one = normal("sex in (\"M\", \"F\") and (age >= 18.0 and not (not dose = 2.50))");
    assert_eq!(one, r#"age >= 18 and dose = 2.5 and sex in ("F", "M")"#);
    assert_eq!(one, normal("(dose = 2.5) and sex in (\"F\",\"M\",\"F\") and age>=18 and age >= 18"));
    assert_eq!(normal("b = 1 or a in (2)"), "a = 2 or b = 1");
    assert_ne!(normal("a = 1 and b = 1"), normal("a = 1 or b = 1"));
    let (left, right) = (Expr::parse("", "b = 1 or c = 1").unwrap(), Expr::parse("", "a = 1").unwrap());
    assert_eq!(left.clone().and(right.clone()).normalised(), right.and(left).normalised());
}

#[test]
fn names_are_those_that_are_read() {
    let expr = Expr::parse("test", "a = 1 and not (b = 2 or a in (3))").unwrap();
    assert_eq!(expr.names().into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_write() {
    for (text, said) in [
        ("", "0..0 expected a name, found the end"),
        ("age == 1", "4..6 `==` is not used here / write `=`"),
        (
            "age = 1 AND sex = \"F\"",
            "8..11 expected the end, `and` or `or`, found something else / keywords are lower",
        ),
        ("sex = F", "6..7 `F` is a name, not a value / write text in double quotes: \"F\""),
        ("sex < \"F\"", "4..5 `<` does not compare text"),
        ("sex = 'F'", "6..7 `'` is not used here / write `\"`"),
        ("sex = \"F", "6..8 this text has no end"),
        ("age = 1.", "6..8 `1.` is not a number"),
        ("age = nan", "6..9 `nan` is a name"),
        ("age in ()", "8..9 expected a number or a text"),
        ("age in (1", "9..9 expected `,` or `)`, found the end"),
        ("age between 9 and 1", "18..19 no number lies between"),
        ("age between 1 or 9", "14..16 expected `and` and the upper end"),
        ("(age = 1", "8..8 expected `)`, found the end"),
        ("age", "3..3 expected = != <"),
        ("and = 1", "0..3 expected a name"),
        ("age = 1 ; drop", "8..9 this character means nothing here"),
        ("a = 99999999999999999999", "4..24 `99999999999999999999` is not a number"),
    ] {
        assert!(problem(text).starts_with(said), "{text}: {}", problem(text));
    }
}

#[test]
fn hostile_depth_and_length_are_refused() {
    let deep = format!("{}a = 1{}", "(".repeat(33), ")".repeat(33));
    assert!(problem(&deep).contains("nested too deeply"));
    assert!(problem(&"not ".repeat(500)).contains("nested too deeply"));
    assert!(problem(&" ".repeat(4097)).contains("too long"));
}

fn expressions() -> impl Strategy<Value = Expr> {
    let number = prop_oneof![
        (-99_i64..99).prop_map(Literal::Integer),
        (-9_i32..9).prop_map(|i| { Literal::Real(f64::from(i) / 4.0) })
    ];
    let text = "[A-Z\"\\\\ ]{0,3}".prop_map(Literal::Text);
    let name = prop_oneof![Just("age"), Just("dose"), Just("sex"), Just("grade"), Just("modality")];
    let condition = prop_oneof![
        number.clone().prop_map(|l| Condition::Compare(Op::Less, l)),
        text.clone().prop_map(|l| Condition::Compare(Op::Unequal, l)),
        proptest::collection::vec(prop_oneof![number, text], 1..4).prop_map(Condition::In),
        (-9_i64..9).prop_map(|i| Condition::Between(Literal::Integer(i), Literal::Real(60.0 + i as f64))),
    ];
    let test =
        (name, condition).prop_map(|(n, condition)| Expr::Test(Test { name: n.to_owned(), condition }));
    test.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::Or),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::And),
            inner.prop_map(|e| Expr::Not(Box::new(e))),
        ]
    })
}

proptest! {
    #[test]
    fn the_normal_text_means_the_same_and_is_its_own_normal_text(expr in expressions()) {
        let normal = expr.normalised();
        let read = Expr::parse("normal", &normal).unwrap();
        prop_assert_eq!(read.matches(&patient()), expr.matches(&patient()));
        prop_assert_eq!(read.normalised(), normal);
    }
}
