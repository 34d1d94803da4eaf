/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const NETWORKING = `
# networking/v1 networking.k8s.io/v1
HTTPIngressPath
 1 path? string
 3 pathType *string
 2 backend IngressBackend
HTTPIngressRuleValue
 1 paths []HTTPIngressPath
IPAddress kind
 1 metadata meta/v1.ObjectMeta
 2 spec IPAddressSpec
IPAddressSpec
 1 parentRef? *ParentReference
IPBlock
 1 cidr string
 2 except? []string
Ingress kind
 1 metadata meta/v1.ObjectMeta
 2 spec IngressSpec
 3 status IngressStatus
IngressBackend
 4 service? *IngressServiceBackend
 3 resource? *core/v1.TypedLocalObjectReference
IngressClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec IngressClassSpec
IngressClassParametersReference
 1 apiGroup? *string
 2 kind string
 3 name string
 4 scope *string
 5 namespace? *string
IngressClassSpec
 1 controller? string
 2 parameters? *IngressClassParametersReference
IngressLoadBalancerIngress
 1 ip? string
 2 hostname? string
 4 ports? []IngressPortStatus
IngressLoadBalancerStatus
 1 ingress? []IngressLoadBalancerIngress
IngressPortStatus
 1 port int32
 2 protocol string
 3 error? *string
IngressRule
 1 host? string
 2 . IngressRuleValue
IngressRuleValue
 1 http? *HTTPIngressRuleValue
IngressServiceBackend
 1 name string
 2 port ServiceBackendPort
IngressSpec
 4 ingressClassName? *string
 1 defaultBackend? *IngressBackend
 2 tls? []IngressTLS
 3 rules? []IngressRule
IngressStatus
 1 loadBalancer IngressLoadBalancerStatus
IngressTLS
 1 hosts? []string
 2 secretName? string
NetworkPolicy kind
 1 metadata meta/v1.ObjectMeta
 2 spec NetworkPolicySpec
 3 status? NetworkPolicyStatus
NetworkPolicyEgressRule
 1 ports? []NetworkPolicyPort
 2 to? []NetworkPolicyPeer
NetworkPolicyIngressRule
 1 ports? []NetworkPolicyPort
 2 from? []NetworkPolicyPeer
NetworkPolicyPeer
 1 podSelector? *meta/v1.LabelSelector
 2 namespaceSelector? *meta/v1.LabelSelector
 3 ipBlock? *IPBlock
NetworkPolicyPort
 1 protocol? *string
 2 port? *IntOrString
 3 endPort? *int32
NetworkPolicySpec
 1 podSelector meta/v1.LabelSelector
 2 ingress? []NetworkPolicyIngressRule
 3 egress? []NetworkPolicyEgressRule
 4 policyTypes? []string
NetworkPolicyStatus
 1 conditions? []meta/v1.Condition
ParentReference
 1 group? string
 2 resource? string
 3 namespace? string
 4 name? string
ServiceBackendPort
 1 name? string
 2 number? int32
ServiceCIDR kind
 1 metadata meta/v1.ObjectMeta
 2 spec ServiceCIDRSpec
 3 status ServiceCIDRStatus
ServiceCIDRSpec
 1 cidrs? []string
ServiceCIDRStatus
 1 conditions? []meta/v1.Condition
# networking/v1alpha1 networking.k8s.io/v1alpha1
ClusterCIDR kind
 1 metadata meta/v1.ObjectMeta
 2 spec ClusterCIDRSpec
ClusterCIDRSpec
 1 nodeSelector? *core/v1.NodeSelector
 2 perNodeHostBits int32
 3 ipv4 string
 4 ipv6 string
IPAddress kind
 1 metadata meta/v1.ObjectMeta
 2 spec IPAddressSpec
IPAddressSpec
 1 parentRef? *ParentReference
ParentReference
 1 group? string
 2 resource? string
 3 namespace? string
 4 name? string
 5 uid? string
ServiceCIDR kind
 1 metadata meta/v1.ObjectMeta
 2 spec ServiceCIDRSpec
 3 status ServiceCIDRStatus
ServiceCIDRSpec
 1 cidrs? []string
ServiceCIDRStatus
 1 conditions? []meta/v1.Condition
# networking/v1beta1 networking.k8s.io/v1beta1
HTTPIngressPath
 1 path? string
 3 pathType? *string
 2 backend IngressBackend
HTTPIngressRuleValue
 1 paths []HTTPIngressPath
IPAddress kind
 1 metadata meta/v1.ObjectMeta
 2 spec IPAddressSpec
IPAddressSpec
 1 parentRef? *ParentReference
Ingress kind
 1 metadata meta/v1.ObjectMeta
 2 spec IngressSpec
 3 status IngressStatus
IngressBackend
 1 serviceName? string
 2 servicePort IntOrString
 3 resource? *core/v1.TypedLocalObjectReference
IngressClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec IngressClassSpec
IngressClassParametersReference
 1 apiGroup? *string
 2 kind string
 3 name string
 4 scope *string
 5 namespace? *string
IngressClassSpec
 1 controller? string
 2 parameters? *IngressClassParametersReference
IngressLoadBalancerIngress
 1 ip? string
 2 hostname? string
 4 ports? []IngressPortStatus
IngressLoadBalancerStatus
 1 ingress? []IngressLoadBalancerIngress
IngressPortStatus
 1 port int32
 2 protocol string
 3 error? *string
IngressRule
 1 host? string
 2 . IngressRuleValue
IngressRuleValue
 1 http? *HTTPIngressRuleValue
IngressSpec
 4 ingressClassName? *string
 1 backend? *IngressBackend
 2 tls? []IngressTLS
 3 rules? []IngressRule
IngressStatus
 1 loadBalancer IngressLoadBalancerStatus
IngressTLS
 1 hosts? []string
 2 secretName? string
ParentReference
 1 group? string
 2 resource? string
 3 namespace? string
 4 name? string
ServiceCIDR kind
 1 metadata meta/v1.ObjectMeta
 2 spec ServiceCIDRSpec
 3 status ServiceCIDRStatus
ServiceCIDRSpec
 1 cidrs? []string
ServiceCIDRStatus
 1 conditions? []meta/v1.Condition
`;
