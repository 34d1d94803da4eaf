/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const APISERVERINTERNAL = `
# apiserverinternal/v1alpha1 internal.apiserver.k8s.io/v1alpha1
ServerStorageVersion
 1 apiServerID? string
 2 encodingVersion? string
 3 decodableVersions? []string
 4 servedVersions? []string
StorageVersion kind
 1 metadata meta/v1.ObjectMeta
 2 spec StorageVersionSpec
 3 status StorageVersionStatus
StorageVersionCondition
 1 type string
 2 status string
 3 observedGeneration? int64
 4 lastTransitionTime Time
 5 reason string
 6 message? string
StorageVersionSpec
StorageVersionStatus
 1 storageVersions? []ServerStorageVersion
 2 commonEncodingVersion? *string
 3 conditions? []StorageVersionCondition
`;
