//! Elements of the XML: only what is known gets through, everything else is refused by name.

use roxmltree::Node;

use super::SbmlError;

/// An element of the document.
pub(super) type Element<'a> = Node<'a, 'a>;

/// Beginning of every SBML namespace.
const SBML: &str = "http://www.sbml.org/sbml/level";
/// Namespace of formulas.
pub(super) const MATHML: &str = "http://www.w3.org/1998/Math/MathML";
/// Packages that draw or annotate and change no dynamics.
const PICTURES: [&str; 2] = ["layout", "render"];
/// Attributes that any element may have; none of them means anything to the dynamics.
const ANYWHERE: [&str; 4] = ["id", "name", "metaid", "sboTerm"];

/// The package a namespace belongs to, as `fbc` in `http://www.sbml.org/sbml/level3/version1/fbc/version2`.
pub(super) fn package(namespace: &str) -> Option<&str> {
    let mut parts = namespace.strip_prefix(SBML)?.split('/').skip(2);
    parts.next().filter(|name| *name != "core" && !name.is_empty())
}

/// Whether a package only draws.
pub(super) fn is_picture(package: &str) -> bool {
    PICTURES.contains(&package)
}

/// Tag and id of an element, for messages: `<species id="X">`.
pub(super) fn tag(element: Element<'_>) -> String {
    let name = element.tag_name().name();
    let shown = ["id", "variable", "symbol", "species"].into_iter().find_map(|key| Some((key, element.attribute(key)?)));
    shown.map_or_else(|| format!("<{name}>"), |(key, value)| format!("<{name} {key}=\"{value}\">"))
}

/// The children of an element, which must have one of the allowed names; notes, annotations and drawings are passed over.
pub(super) fn children<'a>(element: Element<'a>, allowed: &[&str]) -> Result<Vec<Element<'a>>, SbmlError> {
    let namespace = element.tag_name().namespace();
    let mut found = Vec::new();
    for child in element.children() {
        if child.is_text() && !child.text().unwrap_or_default().trim().is_empty() {
            let message = format!("{} holds text, which has no meaning there", tag(element));
            return Err(SbmlError::at(child, message, expected(allowed)));
        }
        if !child.is_element() {
            continue;
        }
        let name = child.tag_name().name();
        let own = child.tag_name().namespace() == namespace || (name == "math" && child.tag_name().namespace() == Some(MATHML));
        match child.tag_name().namespace().and_then(package) {
            _ if own && ["notes", "annotation"].contains(&name) => {}
            _ if own && allowed.contains(&name) => found.push(child),
            Some(package) if is_picture(package) => {}
            Some(package) => return Err(SbmlError::at(child, format!("<{name}> belongs to the SBML package `{package}`, which is not supported"), CORE)),
            None if own => return Err(SbmlError::at(child, format!("{} inside {} is not supported", tag(child), tag(element)), expected(allowed))),
            None => {
                let space = child.tag_name().namespace().unwrap_or("no namespace");
                let message = format!("<{name}> ({space}) inside {} is not part of SBML", tag(element));
                return Err(SbmlError::at(child, message, "elements of other languages belong into <annotation>"));
            }
        }
    }
    Ok(found)
}

/// What to say where packages are met.
pub(super) const CORE: &str = "supported are models of SBML core, Levels 2 and 3; flatten or export the model without packages";

fn expected(allowed: &[&str]) -> String {
    match allowed {
        [] => "supported there are only <notes> and <annotation>".to_owned(),
        _ => format!("supported there: {}", allowed.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(", ")),
    }
}

/// The children of a list such as `<listOfSpecies>` of `parent`, which all have the name `item`.
pub(super) fn list<'a>(parents: &[Element<'a>], list: &str, item: &str) -> Result<Vec<Element<'a>>, SbmlError> {
    let mut found = Vec::new();
    for parent in parents.iter().filter(|parent| parent.tag_name().name() == list) {
        attributes(*parent, &[])?;
        found.extend(children(*parent, &[item])?);
    }
    Ok(found)
}

/// Refuses attributes that are not known.
pub(super) fn attributes(element: Element<'_>, known: &[&str]) -> Result<(), SbmlError> {
    for attribute in element.attributes() {
        let name = attribute.name();
        let position = element.document().text_pos_at(attribute.range().start);
        match attribute.namespace() {
            None if ANYWHERE.contains(&name) || known.contains(&name) => {}
            None => {
                let message = format!("the attribute `{name}` of {} is not supported", tag(element));
                return Err(SbmlError::new(position, message, format!("supported there: {}", [known, &ANYWHERE].concat().join(", "))));
            }
            Some(space) => {
                if let Some(package) = package(space).filter(|package| !is_picture(package)) {
                    return Err(SbmlError::new(position, format!("`{name}` belongs to the SBML package `{package}`, which is not supported"), CORE));
                }
            }
        }
    }
    Ok(())
}

/// The value of an attribute that must be there.
pub(super) fn required<'a>(element: Element<'a>, name: &str) -> Result<&'a str, SbmlError> {
    let help = format!("SBML wants `{name}=\"…\"` there");
    element.attribute(name).map(str::trim).ok_or_else(|| SbmlError::at(element, format!("{} has no `{name}`", tag(element)), help))
}

/// An identifier that must be there: a letter or `_`, then letters, digits and `_`.
pub(super) fn identifier<'a>(element: Element<'a>, name: &str) -> Result<&'a str, SbmlError> {
    let id = required(element, name)?;
    let mut letters = id.chars();
    let good = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    let help = "SBML identifiers are a letter or `_`, then letters, digits and `_`";
    if good { Ok(id) } else { Err(SbmlError::at(element, format!("`{}` is not an identifier", id.escape_debug()), help)) }
}

/// A number, if the attribute is there. `NaN` counts as absent, as Level 3 means it.
pub(super) fn number(element: Element<'_>, name: &str) -> Result<Option<f64>, SbmlError> {
    let Some(text) = element.attribute(name).map(str::trim) else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        Ok(value) if value.is_nan() => Ok(None),
        _ => Err(SbmlError::at(element, format!("`{name}=\"{}\"` of {} is not a finite number", text.escape_debug(), tag(element)), "write 2, 0.5 or 1e-3")),
    }
}

/// A truth value; the default of the level where the attribute is absent.
pub(super) fn truth(element: Element<'_>, name: &str, default: bool) -> Result<bool, SbmlError> {
    match element.attribute(name).map(str::trim) {
        None => Ok(default),
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => {
            Err(SbmlError::at(element, format!("`{name}=\"{}\"` of {} is not a truth value", other.escape_debug(), tag(element)), "write true or false"))
        }
    }
}
