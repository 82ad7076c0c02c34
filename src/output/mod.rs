//! The file of a run: one self-describing HDF5 file that xarray, netCDF-4 and h5py open with named dimensions.
//!
//! [`schema`] names everything in it. [`Destination::prepare`] checks the place before a run starts, [`Destination::write`] puts a [`Record`] there
//! whole or not at all, [`read()`] brings the results back.

mod clock;
mod destination;
mod error;
mod plane;
mod profiles;
mod read;
mod record;
pub mod schema;
mod sweep;
mod swept;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use destination::{Destination, Existing};
pub use error::OutputError;
pub use profiles::{Bars, Counted, DensityCourse, Line, PlaneMap, Profiles, profiles};
pub use read::{Summary, read};
pub use record::{
    CurrentProfile, DensityProfile, Distribution, GeneratingFunction, Network, PlaneProfile, Record, Reversed, Run, Series, SeriesObservable, TrajectoryColumn,
};
pub use sweep::{Sweep, SweepAxis, SweepPoint};
pub use swept::{Swept, SweptEstimate, swept};
