use pyo3::prelude::*;
use vmtemplate as vt;

use crate::errors::OrRaise;
use crate::from_python::{arguments, parsed, word};
use crate::script::Script;

/// vmtemplate's own setup script, step by step. A new machine runs it once, after the platform has filled in values.
///
/// Every method returns a changed copy; `build()` returns the script. Every parameter that takes a script also takes
/// this.
///
/// >>> import vmtemplate as vt
/// >>> setup = vt.SetupScript.windows(without=["activation"], administrator="root")
/// >>> "($PRODUCTKEY)" in setup.build().text
/// False
#[pyclass(frozen, eq, module = "vmtemplate")]
#[derive(PartialEq)]
pub(crate) struct SetupScript(pub(crate) vt::script::SetupScript);

fn named(interface: Option<String>) -> vt::script::SetupInterface {
    interface.map_or(vt::script::SetupInterface::FirstConnected, vt::script::SetupInterface::Named)
}

#[pymethods]
impl SetupScript {
    /// The version of the script's text.
    #[classattr]
    const VERSION: &'static str = vt::script::SetupScript::VERSION;

    /// A script for Windows with every step except those in `without`.
    ///
    /// `interface` is the name of the network interface to set up; None means the first one that is connected.
    #[staticmethod]
    #[pyo3(signature = (*, without=None, administrator=None, log_file=None, interface=None, firewall=None, product_key=None))]
    fn windows(
        py: Python<'_>,
        without: Option<&Bound<'_, PyAny>>,
        administrator: Option<String>,
        log_file: Option<String>,
        interface: Option<String>,
        firewall: Option<&str>,
        product_key: Option<bool>,
    ) -> PyResult<Self> {
        arguments!(without: Vec<String>);
        let mut setup = vt::script::SetupScript::windows().interface(named(interface));
        for step in without {
            setup = setup.without(parsed(&step)?);
        }
        if let Some(account) = administrator {
            setup = setup.administrator(account);
        }
        if let Some(path) = log_file {
            setup = setup.log_file(path);
        }
        if let Some(firewall) = firewall {
            setup = setup.firewall(word(py, "firewall", firewall)?);
        }
        if let Some(used) = product_key {
            setup = setup.product_key(used);
        }
        Ok(Self(setup))
    }

    /// Leave a step out.
    fn without(&self, step: &str) -> PyResult<Self> {
        Ok(Self(self.0.clone().without(parsed(step)?)))
    }

    /// Set the account whose password is set.
    fn administrator(&self, account: String) -> Self {
        Self(self.0.clone().administrator(account))
    }

    /// Set the log file.
    fn log_file(&self, path: String) -> Self {
        Self(self.0.clone().log_file(path))
    }

    /// Set the network interface to set up; None means the first one that is connected.
    fn interface(&self, name: Option<String>) -> Self {
        Self(self.0.clone().interface(named(name)))
    }

    /// Set what the script does to the firewall.
    fn firewall(&self, py: Python<'_>, firewall: &str) -> PyResult<Self> {
        Ok(Self(self.0.clone().firewall(word(py, "firewall", firewall)?)))
    }

    /// Set whether the script uses a product key.
    fn product_key(&self, used: bool) -> Self {
        Self(self.0.clone().product_key(used))
    }

    /// Build the script. An error reports every problem at once.
    fn build(&self, py: Python<'_>) -> PyResult<Script> {
        py.detach(|| self.0.clone().build()).or_raise().map(Script)
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.0)
    }
}
