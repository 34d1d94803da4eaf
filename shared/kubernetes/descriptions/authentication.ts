/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const AUTHENTICATION = `
# authentication/v1 authentication.k8s.io/v1
BoundObjectReference
 1 kind? string
 2 apiVersion? string
 3 name? string
 4 uid? string
SelfSubjectReview kind
 1 metadata meta/v1.ObjectMeta
 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus
 1 userInfo UserInfo
TokenRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec TokenRequestSpec
 3 status TokenRequestStatus
TokenRequestSpec
 1 audiences []string
 4 expirationSeconds *int64
 3 boundObjectRef *BoundObjectReference
 5 attestations? map:items[]string
TokenRequestStatus
 1 token string
 2 expirationTimestamp Time
TokenReview kind
 1 metadata meta/v1.ObjectMeta
 2 spec TokenReviewSpec
 3 status TokenReviewStatus
TokenReviewSpec
 1 token? string
 2 audiences? []string
TokenReviewStatus
 1 authenticated? bool
 2 user UserInfo
 4 audiences? []string
 3 error? string
UserInfo
 1 username? string
 2 uid? string
 3 groups? []string
 4 extra? map:items[]string
# authentication/v1alpha1 authentication.k8s.io/v1alpha1
SelfSubjectReview kind
 1 metadata meta/v1.ObjectMeta
 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus
 1 userInfo authentication/v1.UserInfo
# authentication/v1beta1 authentication.k8s.io/v1beta1
SelfSubjectReview kind
 1 metadata meta/v1.ObjectMeta
 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus
 1 userInfo authentication/v1.UserInfo
TokenReview kind
 1 metadata meta/v1.ObjectMeta
 2 spec TokenReviewSpec
 3 status TokenReviewStatus
TokenReviewSpec
 1 token? string
 2 audiences? []string
TokenReviewStatus
 1 authenticated? bool
 2 user UserInfo
 4 audiences? []string
 3 error? string
UserInfo
 1 username? string
 2 uid? string
 3 groups? []string
 4 extra? map:items[]string
`;
