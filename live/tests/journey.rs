//! The whole journey of a machine on real disks, over real TCP: protected, looked at, failed over, and brought home.

mod support;

use support::{Estate, pattern};
use switchback_engine::Site;

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_machine_wrote_is_there_at_the_other_site_and_comes_home_again() {
    let estate = Estate::with_disks(&[64 * MIB, 8 * MIB]).await;
    estate.write(Site::Primary, 0, 3 * MIB + 512, &pattern(1, 256 * 1024));
    estate.enable().await;
    estate.until_state("Protected(Forward)").await;

    estate.write(Site::Primary, 1, 4096 + 512, &pattern(2, 64 * 1024));
    estate.write(Site::Primary, 0, 0, &pattern(3, 1 << 20));
    estate.until_points_hold_everything().await;
    assert_eq!(
        estate.read_latest_point(),
        estate.images(Site::Primary),
        "the newest point is what the disks hold"
    );

    estate.fail_over().await;
    assert!(estate.is_off(Site::Primary), "the machine at home was shut down");
    assert_eq!(estate.images(Site::Recovery), estate.images(Site::Primary), "nothing was lost");
    estate.write(Site::Recovery, 0, 10 * MIB, &pattern(4, 512 * 1024));
    estate.commit().await;

    estate.reprotect().await;
    estate.until_state("Protected(Reverse)").await;
    estate.write(Site::Recovery, 1, MIB, &pattern(5, 8192));
    let away = estate.images(Site::Recovery);
    estate.fail_over().await;
    assert_eq!(estate.images(Site::Primary), away, "what was written away came home");
    estate.commit().await;
    assert!(!estate.is_off(Site::Primary), "the machine runs at home again");
    estate.write(Site::Primary, 0, 0, &pattern(6, 4096));
}
