//! A group of named, labelled variables over shared dimensions, as netCDF-4 and xarray understand them.
//!
//! Dimension scales follow the HDF5 Dimension Scale Specification: a scale carries `CLASS` and `NAME` (null-terminated strings: the C library ignores others) and
//! `REFERENCE_LIST`; a variable carries `DIMENSION_LIST`. The bundled HDF5 comes without its high-level library, so they are written here.

use std::ffi::CString;
use std::str::FromStr;

use hdf5::types::{VarLenArray, VarLenUnicode};
use hdf5::{Dataset, Group, H5Type, Location, ObjectReference1};

use super::schema::attribute;

/// Values of a chunk, at most: 512 KiB of numbers.
const CHUNK: usize = 1 << 16;
/// Variables with fewer values are stored plainly: a filter would cost more than it saves.
const COMPRESSED_FROM: usize = 1 << 9;
/// Effort of gzip.
const GZIP: u8 = 4;

/// Why a variable was not written.
#[derive(Debug)]
pub(super) enum Fault {
    /// HDF5 failed.
    Hdf5(hdf5::Error),
    /// The data are not as long as their dimensions.
    Shape { variable: String, expected: usize, found: usize },
}

impl From<hdf5::Error> for Fault {
    fn from(error: hdf5::Error) -> Self {
        Fault::Hdf5(error)
    }
}

/// What a variable is.
#[derive(Clone, Copy)]
pub(super) struct Label<'a> {
    /// Unit; `1` for a pure number. Text has none.
    pub(super) unit: &'a str,
    /// In words.
    pub(super) long_name: &'a str,
}

/// Label of a variable.
pub(super) fn label<'a>(unit: &'a str, long_name: &'a str) -> Label<'a> {
    Label { unit, long_name }
}

/// Label of a variable that holds text.
pub(super) fn words(long_name: &str) -> Label<'_> {
    Label { unit: "", long_name }
}

/// A dimension of a [`Table`].
#[derive(Clone, Copy)]
pub(super) struct Axis(usize);

/// A coordinate variable, and who uses it.
struct Scale {
    dataset: Dataset,
    reference: ObjectReference1,
    length: usize,
    users: Vec<User>,
}

/// An entry of `REFERENCE_LIST`; its layout and names are those of the specification.
#[derive(Clone, Copy, H5Type)]
#[repr(C)]
struct User {
    dataset: ObjectReference1,
    dimension: i32,
}

/// A group being filled.
pub(super) struct Table {
    group: Group,
    scales: Vec<Scale>,
}

impl Table {
    /// A new group of `parent`.
    pub(super) fn create(parent: &Group, name: &str) -> Result<Self, Fault> {
        Ok(Self { group: parent.create_group(name)?, scales: Vec::new() })
    }

    /// A new dimension, with its coordinate variable of the same name.
    pub(super) fn axis<T: H5Type>(&mut self, name: &str, values: &[T], label: Label) -> Result<Axis, Fault> {
        let dataset = self.dataset(name, &[values.len()], values, label)?;
        terminated_attribute(&dataset, "CLASS", "DIMENSION_SCALE")?;
        terminated_attribute(&dataset, "NAME", name)?;
        let reference = self.group.reference(name)?;
        self.scales.push(Scale { dataset, reference, length: values.len(), users: Vec::new() });
        Ok(Axis(self.scales.len() - 1))
    }

    /// A new dimension with names as coordinates.
    pub(super) fn axis_of_names<'a>(&mut self, name: &str, names: impl Iterator<Item = &'a str>, long_name: &str) -> Result<Axis, Fault> {
        self.axis(name, &strings(names)?, words(long_name))
    }

    /// A variable; `values` are row-major over `axes`.
    pub(super) fn variable<T: H5Type>(&mut self, name: &str, axes: &[Axis], values: &[T], label: Label) -> Result<(), Fault> {
        let shape: Vec<usize> = axes.iter().map(|axis| self.scales[axis.0].length).collect();
        let expected = shape.iter().product();
        if values.len() != expected {
            return Err(Fault::Shape { variable: format!("{}/{name}", self.group.name()), expected, found: values.len() });
        }
        let dataset = self.dataset(name, &shape, values, label)?;
        let lists: Vec<_> = axes.iter().map(|axis| VarLenArray::from_slice(&[self.scales[axis.0].reference])).collect();
        dataset.new_attr::<VarLenArray<ObjectReference1>>().shape(lists.len()).create("DIMENSION_LIST")?.write_raw(&lists)?;
        let reference = self.group.reference(name)?;
        for (dimension, axis) in axes.iter().enumerate() {
            self.scales[axis.0].users.push(User { dataset: reference, dimension: dimension as i32 });
        }
        Ok(())
    }

    /// A variable that holds text.
    pub(super) fn text<'a>(&mut self, name: &str, axis: Axis, values: impl Iterator<Item = &'a str>, long_name: &str) -> Result<(), Fault> {
        self.variable(name, &[axis], &strings(values)?, words(long_name))
    }

    /// An attribute of the group.
    pub(super) fn number<T: H5Type>(&self, name: &str, value: T) -> Result<(), Fault> {
        Ok(number_attribute(&self.group, name, &value)?)
    }

    /// An attribute of the group that is text.
    pub(super) fn words(&self, name: &str, text: &str) -> Result<(), Fault> {
        Ok(text_attribute(&self.group, name, text)?)
    }

    /// Writes who uses which dimension. Nothing can be added afterwards.
    pub(super) fn finish(self) -> Result<(), Fault> {
        for scale in self.scales.iter().filter(|scale| !scale.users.is_empty()) {
            scale.dataset.new_attr::<User>().shape(scale.users.len()).create("REFERENCE_LIST")?.write_raw(&scale.users)?;
        }
        Ok(())
    }

    fn dataset<T: H5Type>(&self, name: &str, shape: &[usize], values: &[T], label: Label) -> Result<Dataset, Fault> {
        let mut builder = self.group.new_dataset::<T>();
        if !values.is_empty() {
            builder = builder.chunk(chunk(shape));
            // Filters would only see the pointers of text, not its letters.
            if values.len() >= COMPRESSED_FROM && !label.unit.is_empty() {
                builder = builder.shuffle().deflate(GZIP);
            }
        }
        let dataset = builder.shape(shape.to_vec()).create(name)?;
        if !values.is_empty() {
            dataset.write_raw(values)?;
        }
        if !label.unit.is_empty() {
            text_attribute(&dataset, attribute::UNITS, label.unit)?;
        }
        text_attribute(&dataset, attribute::LONG_NAME, label.long_name)?;
        Ok(dataset)
    }
}

/// Shape of a chunk: whole rows of the last dimensions, as many as fit.
fn chunk(shape: &[usize]) -> Vec<usize> {
    let mut room = CHUNK;
    let mut chunk = shape.to_vec();
    for length in chunk.iter_mut().rev() {
        *length = (*length).min(room).max(1);
        room /= *length;
    }
    chunk
}

/// Text as HDF5 stores it. A NUL, which would end the text there, becomes a replacement character.
fn string(text: &str) -> Result<VarLenUnicode, hdf5::Error> {
    VarLenUnicode::from_str(&text.replace('\0', "\u{FFFD}")).map_err(|error| hdf5::Error::Internal(error.to_string()))
}

fn strings<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<VarLenUnicode>, hdf5::Error> {
    texts.map(string).collect()
}

/// A text attribute, variable-length UTF-8.
pub(super) fn text_attribute(location: &Location, name: &str, text: &str) -> Result<(), hdf5::Error> {
    location.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&string(text)?)
}

/// A number as an attribute.
pub(super) fn number_attribute<T: H5Type>(location: &Location, name: &str, value: &T) -> Result<(), hdf5::Error> {
    location.new_attr::<T>().create(name)?.write_scalar(value)
}

/// A null-terminated, fixed-length text attribute, which the safe wrapper cannot write (its fixed strings are null-padded).
fn terminated_attribute(dataset: &Dataset, name: &str, text: &str) -> Result<(), hdf5::Error> {
    use hdf5_sys::{h5a, h5p::H5P_DEFAULT, h5s, h5t};
    let c_string = |text: &str| CString::new(text).map_err(|error| hdf5::Error::Internal(error.to_string()));
    let (name, text) = (c_string(name)?, c_string(text)?);
    // SAFETY: the lock is held; every identifier is checked by HDF5 itself, which answers a negative one with a negative
    // status; the buffer is as long as the type says, terminator included.
    let status = hdf5::sync::sync(|| unsafe {
        let string_type = h5t::H5Tcopy(*hdf5::globals::H5T_C_S1);
        h5t::H5Tset_size(string_type, text.as_bytes_with_nul().len());
        h5t::H5Tset_strpad(string_type, h5t::H5T_STR_NULLTERM);
        let space = h5s::H5Screate(h5s::H5S_class_t::H5S_SCALAR);
        let attribute = h5a::H5Acreate2(dataset.id(), name.as_ptr(), string_type, space, H5P_DEFAULT, H5P_DEFAULT);
        let status = h5a::H5Awrite(attribute, string_type, text.as_ptr().cast());
        h5a::H5Aclose(attribute);
        h5s::H5Sclose(space);
        h5t::H5Tclose(string_type);
        status
    });
    if status < 0 { Err(hdf5::Error::query().unwrap_or_else(|error| error)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_fill_their_room_and_never_exceed_it() {
        assert_eq!(chunk(&[5]), [5]);
        assert_eq!(chunk(&[1_000_000]), [CHUNK]);
        assert_eq!(chunk(&[1001, 64]), [1001, 64]);
        assert_eq!(chunk(&[100_000, 64]), [1024, 64]);
        assert_eq!(chunk(&[3, 1_000_000]), [1, CHUNK]);
    }

    #[test]
    fn a_nul_in_a_text_does_not_end_it() {
        assert_eq!(string("a\0b").unwrap().as_str(), "a\u{FFFD}b");
    }
}
