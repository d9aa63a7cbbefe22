//! What vehicles need is told, for the Image repository to keep.

use serde_json::{Value, json};

use crate::{Site, stderr};

fn needs(site: &Site, name: &str) -> Option<Value> {
    let told = site.run(&["images", "--json"]);
    assert!(told.status.success(), "{}", stderr(&told));
    let report: Value = serde_json::from_slice(&told.stdout).unwrap();
    let mut images = report.get("images").unwrap().as_array().unwrap().iter();
    images.find(|image| image.get("name").unwrap() == name).cloned()
}

#[tokio::test]
async fn an_image_that_was_assigned_is_needed_and_one_that_was_not_is_not() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    vehicle.report_all().await.unwrap();
    assert_eq!(needs(&site, "brake/fw-2.bin"), None);
    assert!(site.assign("brake=brake/fw-2.bin").status.success());
    let needed = needs(&site, "brake/fw-2.bin").unwrap();
    assert_eq!((&needed["desired"], &needed["installed"]), (&json!(1), &json!(0)));
    assert_eq!(needed["sha256"].as_str().unwrap().len(), 64);
}
