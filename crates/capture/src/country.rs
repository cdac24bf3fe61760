//! Countries of addresses, from a file in MaxMind's format that the operator has (GeoLite2, DB-IP, ...). None comes along.

use std::net::IpAddr;

use maxminddb::{Reader, geoip2};

/// Who knows which country an address is in.
pub struct Countries(Reader<Vec<u8>>);

impl Countries {
    /// Reads a database from its bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes).map(Self).map_err(|error| error.to_string())
    }

    /// The two letters of ISO 3166-1, when the database has them.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let found: geoip2::Country<'_> = self.0.lookup(address).ok()?.decode().ok()??;
        found.country.iso_code.map(str::to_owned)
    }

    /// What kind of database it is and when it was made (seconds since 1970), for the record.
    pub fn name(&self) -> (String, u64) {
        let about = self.0.metadata();
        (about.database_type.clone(), about.build_epoch)
    }
}
