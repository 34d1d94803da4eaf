/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const APIREGISTRATION = `
# apiregistration/v1 apiregistration.k8s.io/v1
APIService kind
 1 metadata meta/v1.ObjectMeta
 2 spec APIServiceSpec
 3 status APIServiceStatus
APIServiceCondition
 1 type string
 2 status string
 3 lastTransitionTime Time
 4 reason? string
 5 message? string
APIServiceSpec
 1 service? *ServiceReference
 2 group? string
 3 version? string
 4 insecureSkipTLSVerify? bool
 5 caBundle? bytes
 7 groupPriorityMinimum int32
 8 versionPriority int32
APIServiceStatus
 1 conditions? []APIServiceCondition
ServiceReference
 1 namespace? string
 2 name? string
 3 port? *int32
# apiregistration/v1beta1 apiregistration.k8s.io/v1beta1
APIService kind
 1 metadata meta/v1.ObjectMeta
 2 spec APIServiceSpec
 3 status APIServiceStatus
APIServiceCondition
 1 type string
 2 status string
 3 lastTransitionTime Time
 4 reason? string
 5 message? string
APIServiceSpec
 1 service? *ServiceReference
 2 group? string
 3 version? string
 4 insecureSkipTLSVerify? bool
 5 caBundle? bytes
 7 groupPriorityMinimum int32
 8 versionPriority int32
APIServiceStatus
 1 conditions? []APIServiceCondition
ServiceReference
 1 namespace? string
 2 name? string
 3 port? *int32
`;
