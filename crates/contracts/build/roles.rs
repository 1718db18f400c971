//! Reads from the contracts which role each method needs. A method that does not say is an error of the
//! build.
use protox::prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor, Value};

/// The option that names the role of a method.
const OPTION: &str = "orewatch.common.v1.role";

/// Every method of our services as the path of its HTTP request, with the number of the role that it needs.
///
/// # Errors
/// The methods that do not say which role they need.
pub(crate) fn method_roles(pool: &DescriptorPool) -> Result<Vec<(String, i32)>, String> {
    let ours = |service: &ServiceDescriptor| service.full_name().starts_with("orewatch.");
    let services: Vec<_> = pool.services().filter(ours).collect();
    let methods = services.iter().flat_map(ServiceDescriptor::methods);
    let mut all: Vec<_> = methods.map(|method| (path(&method), role(pool, &method))).collect();
    all.sort();
    let silent: Vec<_> = all.iter().filter(|(_, role)| *role == 0).map(|(path, _)| path.as_str()).collect();
    if silent.is_empty() {
        return Ok(all);
    }
    Err(format!(
        "say which role a caller of these needs, `option ({OPTION}) = ROLE_...;`: {}",
        silent.join(", ")
    ))
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The number of the role that a method needs. 0: it does not say.
fn role(pool: &DescriptorPool, method: &MethodDescriptor) -> i32 {
    let Some(option) = pool.get_extension_by_name(OPTION) else { return 0 };
    match method.options().get_extension(&option).as_ref() {
        Value::EnumNumber(number) => *number,
        _ => 0,
    }
}
