/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const CERTIFICATES = `
# certificates/v1 certificates.k8s.io/v1
CertificateSigningRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec CertificateSigningRequestSpec
 3 status CertificateSigningRequestStatus
CertificateSigningRequestCondition
 1 type string
 6 status string
 2 reason? string
 3 message? string
 4 lastUpdateTime Time
 5 lastTransitionTime Time
CertificateSigningRequestSpec
 1 request bytes
 7 signerName string
 8 expirationSeconds? *int32
 5 usages? []string
 2 username? string
 3 uid? string
 4 groups? []string
 6 extra? map:items[]string
CertificateSigningRequestStatus
 1 conditions? []CertificateSigningRequestCondition
 2 certificate? bytes
ClusterTrustBundle kind
 1 metadata meta/v1.ObjectMeta
 2 spec ClusterTrustBundleSpec
ClusterTrustBundleSpec
 1 signerName? string
 2 trustBundle string
PodCertificateRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodCertificateRequestSpec
 3 status PodCertificateRequestStatus
PodCertificateRequestSpec
 1 signerName string
 2 podName string
 3 podUID string
 4 serviceAccountName string
 5 serviceAccountUID string
 6 nodeName string
 7 nodeUID string
 8 maxExpirationSeconds? *int32
 12 stubPKCS10Request bytes
 11 unverifiedUserAnnotations? map:string
PodCertificateRequestStatus
 1 conditions? []meta/v1.Condition
 2 certificateChain? string
 4 notBefore? *Time
 5 beginRefreshAt? *Time
 6 notAfter? *Time
# certificates/v1alpha1 certificates.k8s.io/v1alpha1
ClusterTrustBundle kind
 1 metadata meta/v1.ObjectMeta
 2 spec ClusterTrustBundleSpec
ClusterTrustBundleSpec
 1 signerName? string
 2 trustBundle string
PodCertificateRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodCertificateRequestSpec
 3 status PodCertificateRequestStatus
PodCertificateRequestSpec
 1 signerName string
 2 podName string
 3 podUID string
 4 serviceAccountName string
 5 serviceAccountUID string
 6 nodeName string
 7 nodeUID string
 8 maxExpirationSeconds? *int32
 9 pkixPublicKey bytes
 10 proofOfPossession bytes
PodCertificateRequestStatus
 1 conditions? []meta/v1.Condition
 2 certificateChain? string
 4 notBefore? *Time
 5 beginRefreshAt? *Time
 6 notAfter? *Time
# certificates/v1beta1 certificates.k8s.io/v1beta1
CertificateSigningRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec CertificateSigningRequestSpec
 3 status CertificateSigningRequestStatus
CertificateSigningRequestCondition
 1 type string
 6 status string
 2 reason? string
 3 message? string
 4 lastUpdateTime Time
 5 lastTransitionTime Time
CertificateSigningRequestSpec
 1 request bytes
 7 signerName? *string
 8 expirationSeconds? *int32
 5 usages? []string
 2 username? string
 3 uid? string
 4 groups? []string
 6 extra? map:items[]string
CertificateSigningRequestStatus
 1 conditions? []CertificateSigningRequestCondition
 2 certificate? bytes
ClusterTrustBundle kind
 1 metadata meta/v1.ObjectMeta
 2 spec ClusterTrustBundleSpec
ClusterTrustBundleSpec
 1 signerName? string
 2 trustBundle string
PodCertificateRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodCertificateRequestSpec
 3 status PodCertificateRequestStatus
PodCertificateRequestSpec
 1 signerName string
 2 podName string
 3 podUID string
 4 serviceAccountName string
 5 serviceAccountUID string
 6 nodeName string
 7 nodeUID string
 8 maxExpirationSeconds? *int32
 9 pkixPublicKey bytes
 10 proofOfPossession bytes
 12 stubPKCS10Request bytes
 11 unverifiedUserAnnotations? map:string
PodCertificateRequestStatus
 1 conditions? []meta/v1.Condition
 2 certificateChain? string
 4 notBefore? *Time
 5 beginRefreshAt? *Time
 6 notAfter? *Time
`;
