use super::*;

fn admission() -> Admission {
    Admission::new(&Limits {
        concurrency: 1,
        queue: 1,
        memory: 4 << 10,
        ..Limits::default()
    })
}

#[tokio::test]
async fn places_and_turns_run_out_and_come_back() {
    let admission = admission();
    let (first, second) = (admission.place().unwrap(), admission.place().unwrap());
    assert_eq!(admission.place().unwrap_err().reason, Reason::Busy);
    assert_eq!(admission.taken(), 2);
    let turn = admission.turn(Duration::ZERO).await.unwrap();
    let late = admission.turn(Duration::from_millis(10)).await;
    assert_eq!(late.unwrap_err().reason, Reason::Busy);
    drop(turn);
    admission.turn(Duration::ZERO).await.unwrap();
    drop((first, second));
    admission.empty().await;
    assert_eq!(admission.taken(), 0);
    admission.place().unwrap();
}

#[test]
fn memory_is_counted_over_all_bodies_and_given_back() {
    let admission = admission();
    let mut one = admission.held();
    // Many small pieces take no more than what they come to.
    assert!((0..1024).all(|_| one.take(2)));
    let mut other = admission.held();
    assert!(other.take(2 << 10));
    assert!(!other.take(1));
    drop(one);
    assert!(other.take(1));
    assert!(!admission.held().take(usize::MAX));
}
