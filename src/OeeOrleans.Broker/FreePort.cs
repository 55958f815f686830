using System.Net;
using System.Net.Sockets;

namespace OeeOrleans.Broker;

/// <summary>Any free port of the loopback interface.</summary>
public static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The wanted port when nobody listens there, else any free one.</summary>
    public static int OrAny(int wanted)
    {
        using var listener = new TcpListener(IPAddress.Loopback, wanted);
        try
        {
            listener.Start();
            return wanted;
        }
        catch (SocketException)
        {
            return Find();
        }
    }
}
