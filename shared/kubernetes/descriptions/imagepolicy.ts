/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const IMAGEPOLICY = `
# imagepolicy/v1alpha1 imagepolicy.k8s.io/v1alpha1
ImageReview kind
 1 metadata meta/v1.ObjectMeta
 2 spec ImageReviewSpec
 3 status ImageReviewStatus
ImageReviewContainerSpec
 1 image? string
ImageReviewSpec
 1 containers? []ImageReviewContainerSpec
 2 annotations? map:string
 3 namespace? string
ImageReviewStatus
 1 allowed bool
 2 reason? string
 3 auditAnnotations? map:string
`;
