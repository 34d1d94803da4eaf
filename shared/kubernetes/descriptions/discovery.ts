/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const DISCOVERY = `
# discovery/v1 discovery.k8s.io/v1
Endpoint
 1 addresses []string
 2 conditions EndpointConditions
 3 hostname? *string
 4 targetRef? *core/v1.ObjectReference
 5 deprecatedTopology? map:string
 6 nodeName? *string
 7 zone? *string
 8 hints? *EndpointHints
EndpointConditions
 1 ready? *bool
 2 serving? *bool
 3 terminating? *bool
EndpointHints
 1 forZones? []ForZone
 2 forNodes? []ForNode
EndpointPort
 1 name? *string
 2 protocol? *string
 3 port? *int32
 4 appProtocol? *string
EndpointSlice kind
 1 metadata meta/v1.ObjectMeta
 4 addressType string
 2 endpoints []Endpoint
 3 ports []EndpointPort
ForNode
 1 name string
ForZone
 1 name string
# discovery/v1alpha1 discovery.k8s.io/v1alpha1
Endpoint
 1 addresses []string
 2 conditions EndpointConditions
 3 hostname? *string
 4 targetRef? *core/v1.ObjectReference
 5 topology? map:string
 6 nodeName? *string
EndpointConditions
 1 ready? *bool
 2 serving? *bool
 3 terminating? *bool
EndpointPort
 1 name? *string
 2 protocol? *string
 3 port? *int32
 4 appProtocol? *string
EndpointSlice kind
 1 metadata meta/v1.ObjectMeta
 4 addressType string
 2 endpoints []Endpoint
 3 ports []EndpointPort
# discovery/v1beta1 discovery.k8s.io/v1beta1
Endpoint
 1 addresses []string
 2 conditions EndpointConditions
 3 hostname? *string
 4 targetRef? *core/v1.ObjectReference
 5 topology? map:string
 6 nodeName? *string
 7 hints? *EndpointHints
EndpointConditions
 1 ready? *bool
 2 serving? *bool
 3 terminating? *bool
EndpointHints
 1 forZones? []ForZone
 2 forNodes? []ForNode
EndpointPort
 1 name? *string
 2 protocol? *string
 3 port? *int32
 4 appProtocol? *string
EndpointSlice kind
 1 metadata meta/v1.ObjectMeta
 4 addressType string
 2 endpoints []Endpoint
 3 ports []EndpointPort
ForNode
 1 name string
ForZone
 1 name string
`;
