/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const POLICY = `
# policy/v1 policy/v1
Eviction kind
 1 metadata meta/v1.ObjectMeta
 2 deleteOptions? *meta/v1.DeleteOptions
PodDisruptionBudget kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodDisruptionBudgetSpec
 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec
 1 minAvailable? *IntOrString
 2 selector? *meta/v1.LabelSelector
 3 maxUnavailable? *IntOrString
 4 unhealthyPodEvictionPolicy? *string
PodDisruptionBudgetStatus
 1 observedGeneration? int64
 2 disruptedPods? map:Time
 3 disruptionsAllowed int32
 4 currentHealthy int32
 5 desiredHealthy int32
 6 expectedPods int32
 7 conditions? []meta/v1.Condition
# policy/v1beta1 policy/v1beta1
AllowedCSIDriver
 1 name string
AllowedFlexVolume
 1 driver string
AllowedHostPath
 1 pathPrefix? string
 2 readOnly? bool
Eviction kind
 1 metadata meta/v1.ObjectMeta
 2 deleteOptions? *meta/v1.DeleteOptions
FSGroupStrategyOptions
 1 rule? string
 2 ranges? []IDRange
HostPortRange
 1 min int32
 2 max int32
IDRange
 1 min int64
 2 max int64
PodDisruptionBudget kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodDisruptionBudgetSpec
 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec
 1 minAvailable? *IntOrString
 2 selector? *meta/v1.LabelSelector
 3 maxUnavailable? *IntOrString
 4 unhealthyPodEvictionPolicy? *string
PodDisruptionBudgetStatus
 1 observedGeneration? int64
 2 disruptedPods? map:Time
 3 disruptionsAllowed int32
 4 currentHealthy int32
 5 desiredHealthy int32
 6 expectedPods int32
 7 conditions? []meta/v1.Condition
PodSecurityPolicy kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodSecurityPolicySpec
PodSecurityPolicySpec
 1 privileged? bool
 2 defaultAddCapabilities? []string
 3 requiredDropCapabilities? []string
 4 allowedCapabilities? []string
 5 volumes? []string
 6 hostNetwork? bool
 7 hostPorts? []HostPortRange
 8 hostPID? bool
 9 hostIPC? bool
 10 seLinux SELinuxStrategyOptions
 11 runAsUser RunAsUserStrategyOptions
 22 runAsGroup? *RunAsGroupStrategyOptions
 12 supplementalGroups SupplementalGroupsStrategyOptions
 13 fsGroup FSGroupStrategyOptions
 14 readOnlyRootFilesystem? bool
 15 defaultAllowPrivilegeEscalation? *bool
 16 allowPrivilegeEscalation? *bool
 17 allowedHostPaths? []AllowedHostPath
 18 allowedFlexVolumes? []AllowedFlexVolume
 23 allowedCSIDrivers? []AllowedCSIDriver
 19 allowedUnsafeSysctls? []string
 20 forbiddenSysctls? []string
 21 allowedProcMountTypes? []string
 24 runtimeClass? *RuntimeClassStrategyOptions
RunAsGroupStrategyOptions
 1 rule string
 2 ranges? []IDRange
RunAsUserStrategyOptions
 1 rule string
 2 ranges? []IDRange
RuntimeClassStrategyOptions
 1 allowedRuntimeClassNames []string
 2 defaultRuntimeClassName? *string
SELinuxStrategyOptions
 1 rule string
 2 seLinuxOptions? *core/v1.SELinuxOptions
SupplementalGroupsStrategyOptions
 1 rule? string
 2 ranges? []IDRange
`;
