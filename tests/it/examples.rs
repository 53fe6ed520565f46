//! Every tool's examples run, on both engines.

use bureau_kernel::testing::{ENGINES, TestApp};

use crate::MODULES;

#[tokio::test(flavor = "multi_thread")]
async fn examples_do_what_they_say() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let findings = app.run_examples().await;
        assert!(
            findings.is_empty(),
            "on {engine:?}:\n{}",
            findings.join("\n")
        );
    }
}
