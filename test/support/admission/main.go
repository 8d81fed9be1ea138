// Checks manifests by the code of Kubernetes' API server: strict decoding, defaults, validation of new objects, warnings,
// and the restricted pod security standard.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podrules "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsrules "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	autoscalingrules "k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corerules "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingrules "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyrules "k8s.io/kubernetes/pkg/apis/policy/validation"
	"k8s.io/kubernetes/pkg/apis/rbac"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	rbacrules "k8s.io/kubernetes/pkg/apis/rbac/validation"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"
)

type finding struct {
	File   string `json:"file"`
	Object string `json:"object"`
	// decoding, creation, warning, security, or unknown for a kind without rules here.
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

var (
	scheme = legacyscheme.Scheme
	strict = jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme, scheme,
		jsonserializer.SerializerOptions{Strict: true, Yaml: true})
	output = json.NewEncoder(os.Stdout)
	// The features that these rules query, with their defaults.
	gates      = map[string]bool{"HPAScaleToZero": false}
	documents  = regexp.MustCompile(`(?m)^---.*$`)
	commentary = regexp.MustCompile(`(?m)^\s*(#.*)?$`)
)

// rules validates a new object and returns errors and warnings; known is false if there are no rules for its kind here.
func rules(object runtime.Object) (errors field.ErrorList, warnings []string, known bool) {
	template := func(template *core.PodTemplateSpec) corerules.PodValidationOptions {
		warnings = podrules.GetWarningsForPodTemplate(context.Background(), field.NewPath("template"), template, nil)
		return podrules.GetValidationOptionsFromPodTemplate(template, nil)
	}
	switch object := object.(type) {
	case *apps.Deployment:
		errors = appsrules.ValidateDeployment(object, template(&object.Spec.Template))
	case *apps.StatefulSet:
		errors = appsrules.ValidateStatefulSet(object, appsrules.StatefulSetValidationOptions{}, template(&object.Spec.Template))
	case *core.Pod:
		warnings = podrules.GetWarningsForPod(context.Background(), object, nil)
		options := podrules.GetValidationOptionsFromPodSpecAndMeta(&object.Spec, nil, &object.ObjectMeta, nil)
		errors = corerules.ValidatePodCreate(object, options)
	case *core.Service:
		// The API server does the same before validation.
		if object.Spec.ClusterIP != "" && len(object.Spec.ClusterIPs) == 0 {
			object.Spec.ClusterIPs = []string{object.Spec.ClusterIP}
		}
		errors = corerules.ValidateServiceCreate(object)
	case *core.ConfigMap:
		errors = corerules.ValidateConfigMap(object)
	case *core.Secret:
		errors = corerules.ValidateSecret(object)
	case *core.ServiceAccount:
		errors = corerules.ValidateServiceAccount(object)
	case *core.Namespace:
		errors = corerules.ValidateNamespace(object)
	case *networking.NetworkPolicy:
		errors = networkingrules.ValidateNetworkPolicy(object, networkingrules.NetworkPolicyValidationOptions{})
	case *networking.Ingress:
		errors = networkingrules.ValidateIngressCreate(object)
	case *policy.PodDisruptionBudget:
		errors = policyrules.ValidatePodDisruptionBudget(object, policyrules.PodDisruptionBudgetValidationOptions{})
	case *rbac.Role:
		errors = rbacrules.ValidateRole(object)
	case *rbac.RoleBinding:
		errors = rbacrules.ValidateRoleBinding(object)
	case *autoscaling.HorizontalPodAutoscaler:
		errors = autoscalingrules.ValidateHorizontalPodAutoscaler(object,
			autoscalingrules.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1})
	default:
		return nil, nil, false
	}
	return errors, warnings, true
}

// podOf returns the pod of a workload, or nil.
func podOf(object runtime.Object) (*metav1.ObjectMeta, *corev1.PodSpec) {
	switch object := object.(type) {
	case *appsv1.Deployment:
		return &object.Spec.Template.ObjectMeta, &object.Spec.Template.Spec
	case *appsv1.StatefulSet:
		return &object.Spec.Template.ObjectMeta, &object.Spec.Template.Spec
	case *corev1.Pod:
		return &object.ObjectMeta, &object.Spec
	}
	return nil, nil
}

func check(document []byte, evaluator podsecurity.Evaluator, report func(object, rule, message string)) {
	object, kind, err := strict.Decode(document, nil, nil)
	if object == nil {
		rule := "decoding"
		if runtime.IsNotRegisteredError(err) {
			rule = "unknown"
		}
		report("", rule, err.Error())
		return
	}
	name := kind.Kind
	if meta, is := object.(metav1.Object); is {
		name += "/" + meta.GetName()
	}
	if err != nil {
		report(name, "decoding", err.Error())
	}
	if meta, spec := podOf(object); spec != nil {
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		result := podsecurity.AggregateCheckResults(evaluator.EvaluatePod(level, meta, spec))
		if !result.Allowed {
			report(name, "security", result.ForbiddenReason()+": "+result.ForbiddenDetail())
		}
	}
	scheme.Default(object)
	internal, err := scheme.UnsafeConvertToVersion(object.DeepCopyObject(), runtime.InternalGroupVersioner)
	if err != nil {
		report(name, "creation", err.Error())
		return
	}
	errors, warnings, known := rules(internal)
	if !known {
		report(name, "unknown", "no rules for "+kind.String())
	}
	// Rules that are declared with the types.
	errors = append(errors, scheme.Validate(context.Background(), gates, object)...)
	for _, problem := range errors {
		report(name, "creation", problem.Error())
	}
	for _, warning := range warnings {
		report(name, "warning", warning)
	}
}

func main() {
	evaluator, err := podsecurity.NewEvaluator(podsecurity.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		objects := 0
		for _, document := range documents.Split(string(text), -1) {
			if strings.TrimSpace(commentary.ReplaceAllString(document, "")) == "" {
				continue
			}
			objects++
			check([]byte(document), evaluator, func(object, rule, message string) {
				_ = output.Encode(finding{file, object, rule, message})
			})
		}
		_ = output.Encode(map[string]any{"file": file, "objects": objects})
	}
}
