/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const EVENTS = `
# events/v1 events.k8s.io/v1
Event kind
 1 metadata meta/v1.ObjectMeta
 2 eventTime MicroTime
 3 series? *EventSeries
 4 reportingController? string
 5 reportingInstance? string
 6 action? string
 7 reason? string
 8 regarding core/v1.ObjectReference
 9 related? *core/v1.ObjectReference
 10 note? string
 11 type? string
 12 deprecatedSource core/v1.EventSource
 13 deprecatedFirstTimestamp Time
 14 deprecatedLastTimestamp Time
 15 deprecatedCount? int32
EventSeries
 1 count int32
 2 lastObservedTime MicroTime
# events/v1beta1 events.k8s.io/v1beta1
Event kind
 1 metadata meta/v1.ObjectMeta
 2 eventTime MicroTime
 3 series? *EventSeries
 4 reportingController? string
 5 reportingInstance? string
 6 action? string
 7 reason? string
 8 regarding core/v1.ObjectReference
 9 related? *core/v1.ObjectReference
 10 note? string
 11 type? string
 12 deprecatedSource core/v1.EventSource
 13 deprecatedFirstTimestamp Time
 14 deprecatedLastTimestamp Time
 15 deprecatedCount? int32
EventSeries
 1 count int32
 2 lastObservedTime MicroTime
`;
